// SPDX-License-Identifier: GPL-2.0-or-later
#include "collect/detached_mount.h"

#include <sys/mount.h>

namespace lifeboat::collect {

Result<UniqueFd> mount_detached(const BlockDevice& device, const std::string& filesystem, Access access) {
  const std::string type = filesystem.empty() ? TRY(probe_device(device.path)).type : filesystem;
  const auto failed = [&] { return fail_errno("cannot mount {} ({})", device.path, type); };
  const UniqueFd context(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
  if (!context.valid()) return failed();
  if (::fsconfig(context.get(), FSCONFIG_SET_STRING, "source", device.path.c_str(), 0) != 0) return failed();
  if (access == Access::look && ::fsconfig(context.get(), FSCONFIG_SET_FLAG, "ro", nullptr, 0) != 0)
    return failed();
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return failed();
  unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME;
  if (access == Access::look) attributes |= MOUNT_ATTR_RDONLY;
  UniqueFd root(::fsmount(context.get(), FSMOUNT_CLOEXEC, attributes));
  if (!root.valid()) return failed();
  return root;
}

}  // namespace lifeboat::collect
