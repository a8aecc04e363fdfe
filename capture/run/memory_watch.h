// SPDX-License-Identifier: GPL-2.0-or-later
// The least memory that the capture kernel had available. The crash's record keeps it, and
// `lifeboat reserve estimate` uses it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lifeboat::capture {

struct MemoryUse {
  uint64_t reserved_kib = 0;  // all RAM of this kernel; 0: unknown
  uint64_t total_kib = 0;     // MemTotal: the RAM without the kernel image
  uint64_t lowest_kib = 0;    // the least MemAvailable that was seen
};

// For PID 1, before it starts children, which share the figures. Without this call nothing is watched:
// outside a capture kernel the figures would mislead.
void start_memory_watch(const std::string& meminfo = "/proc/meminfo",
                        const std::string& iomem = "/proc/iomem");

// Reads the file, at most every 100 ms, and keeps the lowest figure. Called on progress: cheap, and never
// fails; if the file cannot be read nothing is noted.
void watch_memory();

// What was seen so far; nullopt: nothing.
std::optional<MemoryUse> memory_use();

}  // namespace lifeboat::capture
