// SPDX-License-Identifier: GPL-2.0-or-later
// Where the folder of a target is now, on the running system.
#pragma once

#include <optional>
#include <string>

#include "capture/initramfs/local_target.h"
#include "src/base/error.h"

namespace lifeboat {

// `path` of a target without a `device`. Of one with a device, which may be given in any of mount(8)'s ways,
// `path` begins at the root of its file system (btrfs: of all its subvolumes): the place in the tree where
// that is mounted, by a mount of the whole or of a folder that holds `path`; nullopt: nowhere. Nothing is
// mounted for it. `not_found`: the device is not there.
Result<std::optional<std::string>> mounted_folder(const std::string& device, const std::string& path,
                                                  const HostPaths& paths = {});

// The same of a device that has been found.
std::optional<std::string> mounted_folder(std::string_view mountinfo, const BlockDevice& device,
                                          const std::string& path, const HostPaths& paths = {});

}  // namespace lifeboat
