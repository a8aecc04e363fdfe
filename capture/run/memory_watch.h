// SPDX-License-Identifier: GPL-2.0-or-later
// How much memory the capture kernel had left at its worst. The crash's record keeps it, and
// `lifeboat reserve estimate` learns from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lifeboat::capture {

struct MemoryUse {
  uint64_t reserved_kib = 0;  // all RAM that this kernel was given; 0: not told
  uint64_t total_kib = 0;     // MemTotal: what was left once its own image was there
  uint64_t lowest_kib = 0;    // the least MemAvailable that was seen
};

// For PID 1, before it starts children: what they see is seen by all. Without it nothing is watched:
// elsewhere than in a capture kernel the figures would mislead.
void start_memory_watch(const std::string& meminfo = "/proc/meminfo",
                        const std::string& iomem = "/proc/iomem");

// Looks at the file, at most every 100 ms, and keeps the lowest figure. For whoever makes progress: cheap,
// and never fails; where the file cannot be read nothing is noted.
void watch_memory();

// What was seen so far; nullopt: nothing.
std::optional<MemoryUse> memory_use();

}  // namespace lifeboat::capture
