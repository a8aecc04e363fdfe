// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/detached_mount.h"

#include <sys/mount.h>

#include "capture/plan/file_system_root.h"
#include "src/base/sys.h"

namespace lifeboat::collect {

Result<UniqueFd> mount_detached(const BlockDevice& device, const std::string& filesystem, Access access) {
  const auto failed = [&] { return fail_errno("cannot mount {} ({})", device.path, filesystem); };
  const UniqueFd context(sys::fsopen(filesystem.c_str(), FSOPEN_CLOEXEC));
  if (!context.valid()) return failed();
  const auto set = [&](const char* name, const char* value) {
    return sys::fsconfig(context.get(), FSCONFIG_SET_STRING, name, value) == 0;
  };
  if (!set("source", device.path.c_str())) return failed();
  const auto option = option_for_root(filesystem);
  if (option && !set(option->name, option->value)) return failed();
  if (access == Access::look && sys::fsconfig(context.get(), FSCONFIG_SET_FLAG, "ro", nullptr) != 0)
    return failed();
  if (sys::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) != 0) return failed();
  unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME;
  if (access == Access::look) attributes |= MOUNT_ATTR_RDONLY;
  UniqueFd root(sys::fsmount(context.get(), FSMOUNT_CLOEXEC, attributes));
  if (!root.valid()) return failed();
  return root;
}

}  // namespace lifeboat::collect
