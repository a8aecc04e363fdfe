// SPDX-License-Identifier: GPL-2.0-or-later
// Figures of memory that the running kernel reports in text files.
#pragma once

#include <cstdint>
#include <string_view>

namespace lifeboat::capture {

// A line like "MemAvailable:   12345 kB" (proc_meminfo(5), proc_pid_status(5)), in bytes; 0: it is not there.
uint64_t memory_figure(std::string_view key, const char* path);

}  // namespace lifeboat::capture
