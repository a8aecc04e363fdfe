// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/lock_file.h"

#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "src/base/sys.h"

namespace lifeboat {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

void write_owner(int fd, const std::string& name) {
  const std::string text = fmt::format("{}\n", ::getpid());
  if (sys::ftruncate(fd, 0) == 0) [[maybe_unused]]
    const auto ignored = pwrite_all(fd, 0, as_byte_span(text), name);
}

// " (process 123)"; empty: the process took the lock a moment ago and has not written its id yet.
std::string owner_of(int fd) {
  char text[32] = {};
  const ssize_t count = sys::pread(fd, text, sizeof(text) - 1, 0);
  const std::string owner(text, count > 0 ? static_cast<size_t>(count) : 0);
  return owner.empty() ? "" : fmt::format(" (process {})", owner.substr(0, owner.find('\n')));
}

}  // namespace

Result<UniqueFd> lock_file(int dir_fd, const std::string& name, std::string_view doing,
                           std::chrono::milliseconds limit) {
  UniqueFd fd = TRY(open_at(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  const auto deadline = Clock::now() + limit;
  while (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno("cannot lock {}", name);
    const auto now = Clock::now();
    if (now >= deadline) {
      const std::string waited =
          limit == 0ms ? "" : fmt::format(", and did not finish within {} s", limit.count() / 1000.0);
      return fail(ErrorCode::busy, "another lifeboat{} is {}{}", owner_of(fd.get()), doing, waited);
    }
    std::this_thread::sleep_for(std::min<Clock::duration>(50ms, deadline - now));
  }
  write_owner(fd.get(), name);
  return fd;
}

}  // namespace lifeboat
