// SPDX-License-Identifier: GPL-2.0-or-later
// btrfs: a file system with device numbers of its own, which may lie on several devices and be mounted by its
// subvolumes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/error.h"

namespace lifeboat {

// The kernel's UUID of the btrfs that contains an open folder (BTRFS_IOC_FS_INFO, which needs no
// privilege).
Result<std::string> btrfs_uuid_of(const std::string& folder);

// The numbers ("8:1") of the devices of a mounted btrfs, those that are not missing, by /sys/fs/btrfs.
Result<std::vector<std::string>> btrfs_devices(const std::string& sys, const std::string& uuid);

// How many devices the btrfs on this device or image has, by its superblock. `unsupported`: no superblock at
// the place where all but zoned file systems have it.
Result<uint64_t> btrfs_device_count(const std::string& device);

}  // namespace lifeboat
