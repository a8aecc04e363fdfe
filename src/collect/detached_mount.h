// SPDX-License-Identifier: GPL-2.0-or-later
// A file system mounted for this process alone.
#pragma once

#include "capture/initramfs/local_target.h"
#include "src/base/file.h"

namespace lifeboat::collect {

enum class Access {
  look,    // nothing is changed
  change,  // crashes are completed and removed
};

// Mounts it without a mount point: it is reached only through the returned descriptor (for *at calls), and is
// unmounted when that and all descriptors opened through it are closed, however the process ends. So no
// cleanup is needed, and no later `umount` fails as busy (fsopen(2), Linux 5.2). Mounted with nodev and
// noexec. `no_permission`: only root can; `busy`: it is mounted elsewhere with other options, not visible
// here.
Result<UniqueFd> mount_detached(const BlockDevice& device, const std::string& filesystem, Access access);

}  // namespace lifeboat::collect
