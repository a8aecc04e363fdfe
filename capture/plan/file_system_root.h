// SPDX-License-Identifier: GPL-2.0-or-later
// How a file system is mounted so that paths begin at its root, which a target's path does.
#pragma once

#include <optional>
#include <string_view>

namespace lifeboat {

struct MountOption {
  const char* name;
  const char* value;
};

// The mount option for it; nullopt: none. btrfs mounts its default subvolume, which may have changed: the
// top, which contains all subvolumes, is number 5 (BTRFS_FS_TREE_OBJECTID, include/uapi/linux/btrfs_tree.h).
inline std::optional<MountOption> option_for_root(std::string_view filesystem) {
  if (filesystem == "btrfs") return MountOption{"subvolid", "5"};
  return std::nullopt;
}

}  // namespace lifeboat
