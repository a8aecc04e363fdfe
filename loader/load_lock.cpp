// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/load_lock.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "base/log.h"
#include "base/sys.h"

namespace lifeboat {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Only for the message: who holds it is up to the kernel.
void write_owner(int fd) {
  const std::string text = fmt::format("{}\n", ::getpid());
  if (sys::ftruncate(fd, 0) == 0) ignore_result(pwrite_all(fd, 0, as_byte_span(text), "load.lock"));
}

std::string owner_of(int fd) {
  char text[32] = {};
  const ssize_t count = sys::pread(fd, text, sizeof(text) - 1, 0);
  const std::string owner(text, count > 0 ? static_cast<size_t>(count) : 0);
  return owner.substr(0, owner.find('\n'));
}

}  // namespace

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
  UniqueFd fd = TRY(open_at(dir.get(), "load.lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  const auto deadline = Clock::now() + limit;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno("cannot lock {}/load.lock", folder);
    const auto now = Clock::now();
    if (now >= deadline) {
      return std::unexpected(
          Error(ErrorCode::busy,
                fmt::format("another lifeboat (process {}) is loading a kernel, and did not finish "
                            "within {} s",
                            owner_of(fd.get()), limit.count() / 1000.0))
              .hint("wait for it, or see what it is waiting for, and try again"));
    }
    std::this_thread::sleep_for(std::min<Clock::duration>(50ms, deadline - now));
  }
  write_owner(fd.get());
  return fd;
}

}  // namespace lifeboat
