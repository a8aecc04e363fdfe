// SPDX-License-Identifier: GPL-2.0-or-later
// What the running kernel says of loaded kernels, the crash reservation, and who may load. Read only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace lifeboat {

// Where /sys and /proc are: tests put trees of their own there.
struct SystemPaths {
  std::string sys = "/sys";
  std::string proc = "/proc";
};

struct MemoryRange {
  uint64_t begin = 0;
  uint64_t end = 0;  // the first address behind it
  [[nodiscard]] uint64_t size() const { return end - begin; }
  bool operator==(const MemoryRange&) const = default;
};

enum class Lockdown { none, integrity, confidentiality };
std::string_view lockdown_name(Lockdown lockdown);

// nullopt: this kernel does not say, or does not say it to us.
struct SystemState {
  std::optional<bool> crash_loaded;
  std::optional<bool> normal_loaded;
  std::optional<uint64_t> crash_size;  // bytes reserved for a capture kernel; 0: no reservation
  // "Crash kernel" in /proc/iomem, low and high part, sorted. nullopt also for a caller who is not root: the
  // kernel shows him addresses of zero (kernel/resource.c).
  std::optional<std::vector<MemoryRange>> crash_ranges;

  std::optional<bool> load_disabled;         // kernel.kexec_load_disabled: one-way until the next boot
  std::optional<int64_t> crash_load_limit;   // kernel.kexec_load_limit_panic: calls left; -1: no limit
  std::optional<int64_t> normal_load_limit;  // kernel.kexec_load_limit_reboot
  std::optional<Lockdown> lockdown;
  std::optional<bool> secure_boot;  // the EFI variable SecureBoot; nullopt: no EFI, or not readable
  std::optional<bool> privileged;   // the caller has CAP_SYS_BOOT

  // The kernel follows CPU and memory hotplug itself, so that nothing need be loaded anew.
  std::optional<bool> cpu_hotplug;
  std::optional<bool> memory_hotplug;
  std::optional<uint64_t> elfcorehdr_size;

  std::optional<std::string> release;  // of the running kernel

  [[nodiscard]] const std::optional<bool>& loaded(bool crash) const {
    return crash ? crash_loaded : normal_loaded;
  }
  [[nodiscard]] const std::optional<int64_t>& load_limit(bool crash) const {
    return crash ? crash_load_limit : normal_load_limit;
  }
};

// Never fails: what cannot be read is left out.
SystemState read_system_state(const SystemPaths& paths);

// The ranges called "Crash kernel" in the text of /proc/iomem; nullopt when addresses are hidden from the
// caller.
std::optional<std::vector<MemoryRange>> parse_crash_ranges(std::string_view iomem);

}  // namespace lifeboat
