// SPDX-License-Identifier: GPL-2.0-or-later
// The running kernel's state of loaded kernels, the crash reservation, and the permission to load. Read only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loader/memory_map.h"
#include "loader/xen_domain.h"
#include "src/base/error.h"

namespace lifeboat {

// Where /sys, /proc and /run are: tests and a dry run use other folders.
struct SystemPaths {
  std::string sys = "/sys";
  std::string proc = "/proc";
  std::string iomem;  // empty: PROC/iomem
  std::string run = "/run";
  std::string root;  // put in front of /boot, /lib/modules and /dev

  [[nodiscard]] std::string iomem_file() const { return iomem.empty() ? proc + "/iomem" : iomem; }
};

enum class Lockdown { none, integrity, confidentiality };
std::string_view lockdown_name(Lockdown lockdown);

// nullopt: this kernel does not provide it, or not to this caller.
struct SystemState {
  std::optional<bool> crash_loaded;
  std::optional<bool> normal_loaded;
  std::optional<uint64_t> crash_size;  // bytes reserved for a capture kernel; 0: no reservation
  // "Crash kernel" in /proc/iomem, low and high part, sorted. nullopt also for a caller that is not root, to
  // which the kernel shows addresses of zero (kernel/resource.c).
  std::optional<std::vector<MemoryRange>> crash_ranges;

  std::optional<bool> load_disabled;         // kernel.kexec_load_disabled: one-way until the next boot
  std::optional<int64_t> crash_load_limit;   // kernel.kexec_load_limit_panic: calls left; -1: no limit
  std::optional<int64_t> normal_load_limit;  // kernel.kexec_load_limit_reboot
  std::optional<Lockdown> lockdown;
  std::optional<bool> secure_boot;  // the EFI variable SecureBoot; nullopt: no EFI, or not readable
  std::optional<bool> privileged;   // the caller has CAP_SYS_BOOT

  // The IMA policy has a rule that appraises kernels before they are loaded (func=KEXEC_KERNEL_CHECK).
  std::optional<bool> ima_appraises_kernels;
  // IMA is active: with Secure Boot it refuses kexec_load(2) even without such a rule (ima_load_data()).
  bool ima = false;
  // The running kernel was built to load signed kernels only, lockdown or not (CONFIG_KEXEC_SIG_FORCE).
  // nullopt: its configuration is not available.
  std::optional<bool> signature_forced;

  // The sign that Kexec Handover is on (handover.h); empty: none.
  std::string handover;
  XenDomain xen = XenDomain::none;

  // The kernel handles CPU and memory hotplug itself, so that nothing has to be loaded again.
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

}  // namespace lifeboat
