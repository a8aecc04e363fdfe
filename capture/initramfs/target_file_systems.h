// SPDX-License-Identifier: GPL-2.0-or-later
// Which file systems can take a dump when a capture kernel has nothing but their module and their device.
#pragma once

#include <string>

#include "src/base/error.h"

namespace lifeboat {

// `type` is the kernel's name of it ("ext4", "fuse.sshfs"), or libblkid's of what a device holds
// ("zfs_member", "LVM2_member"). `unsupported` names it, the reason, and what would work; unknown ones are
// refused too. `where`: the folder or device, for the message.
Result<> check_file_system(const std::string& type, const std::string& where);

// Whether a mount of `wanted` succeeds on a device that holds `found`.
bool is_same_file_system(const std::string& wanted, const std::string& found);

// A device that a file system needs besides its own (a journal, a realtime section, more members): what it
// keeps there, for a message; empty: none. By the superblock on `device`; ext4's journal is not looked for,
// libblkid reports it. btrfs: btrfs.h.
Result<std::string> part_elsewhere(const std::string& device, const std::string& type);

}  // namespace lifeboat
