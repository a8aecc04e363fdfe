// SPDX-License-Identifier: GPL-2.0-or-later
// Into the kernel that is loaded, without firmware.
#pragma once

#include "loader/system_state.h"
#include "src/base/error.h"

namespace lifeboat {

// Asks the service manager when one runs (systemctl kexec), which stops services and unmounts file systems.
// `not_found` when no kernel is loaded; `unsupported` when no service manager runs: --now is the way then.
Result<> reboot_in_order(const SystemPaths& paths);

struct RebootNow {
  bool sync = true;  // write file systems back first
  bool network_down =
      true;  // take interfaces down first: devices must not write into the new kernel's memory
};
// LINUX_REBOOT_CMD_KEXEC at once: services are not stopped, file systems not unmounted. Returns only on
// failure; interfaces that were taken down are up again then.
Result<> reboot_now(const RebootNow& how, const SystemPaths& paths);

}  // namespace lifeboat
