// SPDX-License-Identifier: GPL-2.0-or-later
// What a load by the options of kexec(8) loads. They differ from `lifeboat load`: nothing is chosen for the
// user, and a capture kernel gets no parameters but those given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "loader/load.h"

namespace lifeboat::arming {

// The options about a load, by their meaning in kexec-tools.
struct KexecLoadOptions {
  bool crash = false;
  bool hotplug = false;  // fail where the running kernel does not follow CPU and memory hotplug
  bool reuse_initrd = false;
  bool reuse_command_line = false;
  bool no_efi = false;
  bool verify = true;
  LoadCall call = LoadCall::automatic;
  uint64_t memory_min = 0;
  uint64_t memory_max = UINT64_MAX;  // the first address that is too high
  std::optional<std::string> append;
  std::optional<std::string> initrd;
};

// Whether this machine can do what is asked, before a file is read: no Xen's dom0, a reservation for a crash,
// hotplug.
Result<> check_kexec_machine(const KexecLoadOptions& options, const SystemState& state);

// The initramfs: the given one, or with --reuseinitrd the one that this boot's kernel kept (`not_found`: it
// did not). nullopt: none.
Result<std::optional<std::string>> kexec_initramfs(const KexecLoadOptions& options, const SystemPaths& paths);

// The load. `initramfs`: as kexec_initramfs() gives it.
Result<LoadRequest> kexec_request(const KexecLoadOptions& options, const KernelFile& kernel,
                                  const std::optional<std::string>& initramfs, const SystemPaths& paths);

}  // namespace lifeboat::arming
