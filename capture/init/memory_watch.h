// SPDX-License-Identifier: GPL-2.0-or-later
// How much memory the capture kernel had left at its worst. The crash's record keeps it, and
// `lifeboat reserve estimate` learns from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace lifeboat::init {

struct MemoryUse {
  uint64_t total_kib = 0;   // MemTotal: what was left to the kernel once its own image was there
  uint64_t lowest_kib = 0;  // the least MemAvailable that was seen
};

// Looks at /proc/meminfo, at most every 100 ms, and keeps the lowest figure. For PID 1 once before it starts
// children, then for whoever makes progress: what a child sees is seen by all. Cheap, and never fails; where the
// file cannot be read nothing is noted.
void watch_memory(const std::string& meminfo = "/proc/meminfo");

// What was seen so far; nullopt: nothing.
std::optional<MemoryUse> memory_use();

}  // namespace lifeboat::init
