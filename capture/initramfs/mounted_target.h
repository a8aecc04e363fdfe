// SPDX-License-Identifier: GPL-2.0-or-later
// Where the folder of a target is now, on the running system.
#pragma once

#include <optional>
#include <string>

#include "capture/initramfs/local_target.h"
#include "src/base/error.h"

namespace lifeboat {

// Without a `device`: `path`. With a device, in any of mount(8)'s forms, `path` begins at the root of its
// file system (btrfs: of all its subvolumes), and the result is the folder where that is mounted, by a mount
// of the whole file system or of a folder that contains `path`; nullopt: it is not mounted. Mounts nothing.
// `not_found`: the device is not there.
Result<std::optional<std::string>> mounted_folder(const std::string& device, const std::string& path,
                                                  const HostPaths& paths = {});

// The same of a device that has been found.
std::optional<std::string> mounted_folder(std::string_view mountinfo, const BlockDevice& device,
                                          const std::string& path, const HostPaths& paths = {});

}  // namespace lifeboat
