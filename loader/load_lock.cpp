// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/load_lock.h"

#include <cerrno>

#include "src/base/lock_file.h"
#include "src/base/log.h"
#include "src/base/sys.h"

namespace lifeboat {

Result<UniqueFd> lock_loads(const SystemPaths& paths, std::chrono::milliseconds limit) {
  const std::string folder = paths.run + "/lifeboat";
  if (sys::mkdirat(AT_FDCWD, folder.c_str(), 0700) != 0 && errno != EEXIST) {
    // A rescue system without a /run to write to still loads kernels: who comes second is told EBUSY by the
    // kernel.
    if (errno == EROFS || errno == ENOENT) {
      log::warning("{} cannot be made: loads are not held apart by a lock", folder);
      return UniqueFd();
    }
    return fail_errno("cannot make the folder {} for the lock of loads", folder);
  }
  const UniqueFd dir = TRY(open_file(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  auto locked = lock_file(dir.get(), "load.lock", "loading a kernel", limit);
  if (locked) return locked;
  if (locked.error().code == ErrorCode::busy)
    return std::unexpected(
        std::move(locked).error().hint("wait for it, or see what it is waiting for, and try again"));
  return std::unexpected(std::move(locked).error().context(folder));
}

}  // namespace lifeboat
