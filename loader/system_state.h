// SPDX-License-Identifier: GPL-2.0-or-later
// What the running kernel says about loading kernels: is one loaded, is memory reserved, is it allowed at all.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lifeboat {

// Where the kernel tells these things; a test puts folders of its own here.
struct SystemPaths {
  std::string sys = "/sys";
  std::string proc = "/proc";
};

struct MemoryRange {
  uint64_t start = 0, end = 0;  // physical, end exclusive
};

// A value that cannot be read stays empty: it is not guessed.
struct SystemState {
  std::optional<bool> crash_loaded;
  std::optional<bool> normal_loaded;
  std::optional<uint64_t> crash_size;         // bytes reserved; 0: no reservation
  std::vector<MemoryRange> crash_ranges;      // "Crash kernel" in /proc/iomem; addresses are hidden from non-root
  std::optional<bool> load_disabled;          // kernel.kexec_load_disabled
  std::optional<int64_t> limit_panic, limit_reboot;  // kernel.kexec_load_limit_*: calls left; -1: no limit
  std::string lockdown;                       // "none", "integrity", "confidentiality"; empty: not told
  std::optional<bool> crash_hotplug_cpu, crash_hotplug_memory;  // the kernel updates elfcorehdr itself
  std::optional<uint64_t> elfcorehdr_size;    // bytes to leave for it

  [[nodiscard]] bool armed() const { return crash_loaded.value_or(false); }
};

SystemState read_system_state(const SystemPaths& paths);

}  // namespace lifeboat
