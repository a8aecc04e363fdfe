// SPDX-License-Identifier: GPL-2.0-or-later
// Reboots into the loaded kernel, without firmware.
#pragma once

#include "loader/system_state.h"
#include "src/base/error.h"

namespace lifeboat {

// By the service manager (systemctl kexec), which stops services and unmounts file systems. `not_found` when
// no kernel is loaded; `unsupported` when no service manager runs: use reboot_now() then.
Result<> reboot_in_order(const SystemPaths& paths);

struct RebootNow {
  bool sync = true;  // write file systems back first
  bool network_down =
      true;  // take interfaces down first: devices must not write into the new kernel's memory
};
// LINUX_REBOOT_CMD_KEXEC at once: services are not stopped, file systems not unmounted. Returns only on
// failure; interfaces that were taken down are up again then.
Result<> reboot_now(const RebootNow& how, const SystemPaths& paths);

// Becomes shutdown(8), which reboots by the service manager; returns only on failure.
Error reboot_by_shutdown();

}  // namespace lifeboat
