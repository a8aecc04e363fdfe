// SPDX-License-Identifier: GPL-2.0-or-later
// A file system mounted for this process alone.
#pragma once

#include "capture/initramfs/local_target.h"
#include "src/base/file.h"

namespace lifeboat::collect {

enum class Access {
  look,    // nothing of it is changed
  change,  // crashes are completed, and taken away
};

// Mounts it nowhere: it is in nobody's tree of folders, reached by the descriptor that is returned (for *at
// calls), and gone when that and all that were opened through it are closed, however the process ends. So
// nothing has to be taken down, and nobody's `umount` finds it busy later (fsopen(2), Linux 5.2). No devices,
// no programs. `no_permission`: only root can; `busy`: it is mounted by somebody else, who cannot be seen
// here, in another way.
Result<UniqueFd> mount_detached(const BlockDevice& device, const std::string& filesystem, Access access);

}  // namespace lifeboat::collect
