// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/load_lock.h"

#include <cerrno>

#include "src/base/lock_file.h"
#include "src/base/log.h"
#include "src/base/sys.h"

namespace lifeboat {

Result<LoadLock> lock_loads(const SystemPaths& paths, std::chrono::milliseconds limit) {
  const std::string folder = paths.run + "/lifeboat";
  if (sys::mkdirat(AT_FDCWD, folder.c_str(), 0700) != 0 && errno != EEXIST) {
    // A rescue system without a writable /run can still load kernels: a second load gets EBUSY from the
    // kernel.
    if (errno == EROFS || errno == ENOENT) {
      log::warning("cannot create {}: loading without a lock", folder);
      return LoadLock();
    }
    return fail_errno("cannot create the folder {} for the load lock", folder);
  }
  const UniqueFd dir = TRY(open_file(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  auto locked = lock_file(dir.get(), "load.lock", "loading or unloading a kernel", limit);
  if (locked) return LoadLock{std::move(*locked)};
  if (locked.error().code == ErrorCode::busy)
    return std::unexpected(
        std::move(locked).error().hint("wait for it, or find out why it does not finish, and try again"));
  return std::unexpected(std::move(locked).error().context(folder));
}

}  // namespace lifeboat
