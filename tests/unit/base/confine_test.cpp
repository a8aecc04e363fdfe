// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/confine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "src/base/file.h"
#include "tests/support/pipes.h"

namespace lifeboat {
namespace {

using testing::HasSubstr;

// A confined process that waits, and what stands in its /proc/PID/status.
class Confined : public testing::Test {
 protected:
  // Runs `work` confined; its exit code is what that returns.
  static int exit_code_of(const std::function<int()>& work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(confine_process() ? work() : 99);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  static int errno_of(long result) { return result >= 0 ? 0 : errno; }

  TempDir folder_ = TempDir::create("confine-test").value();
};

TEST_F(Confined, HasNoCapabilityAndGetsNone) {
  const test::FamilyPipe pipe;
  const pid_t child = ::fork();
  if (child == 0) {
    if (confine_process()) pipe.send();
    for (;;) ::usleep(10'000);
  }
  ASSERT_TRUE(pipe.hears());
  const std::string status = read_text(fmt::format("/proc/{}/status", child)).value();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  for (const char* none : {"CapInh:", "CapPrm:", "CapEff:", "CapAmb:"})
    EXPECT_THAT(status, HasSubstr(fmt::format("{}\t0000000000000000\n", none)));
  if (::geteuid() == 0) {
    EXPECT_THAT(status, HasSubstr("CapBnd:\t0000000000000000\n"));
  }
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1\n"));
  EXPECT_THAT(status, HasSubstr("Seccomp:\t2\n"));
}

TEST_F(Confined, OpensAndStartsNothing) {
  const std::string file = folder_.path() / "file";
  ASSERT_TRUE(write_file_atomically(file, as_byte_span("text"), 0666));
  const UniqueFd folder = open_file(folder_.path(), O_RDONLY | O_DIRECTORY).value();
  const char* const arguments[] = {"/bin/true", nullptr};
  const std::function<long()> calls[] = {
      [&] { return ::open(file.c_str(), O_RDONLY); },
      [&] { return ::open(file.c_str(), O_WRONLY); },
      [&] { return ::openat(folder.get(), "new", O_WRONLY | O_CREAT, 0600); },
      [&] { return ::unlinkat(folder.get(), "file", 0); },
      [&] { return ::socket(AF_UNIX, SOCK_STREAM, 0); },
      [&] { return ::execve("/bin/true", const_cast<char* const*>(arguments), environ); },
      [&] { return ::fork(); },
      [&] { return ::kill(::getppid(), 0); },
      [&] { return ::chmod(file.c_str(), 0777); },
  };
  for (const auto& call : calls)
    EXPECT_EQ(exit_code_of([&] { return errno_of(call()); }), EPERM) << "call " << &call - calls;
  EXPECT_EQ(read_text(file).value(), "text");
}

TEST_F(Confined, WorksWithWhatItHas) {
  const UniqueFd file = open_file(folder_.path() / "file", O_RDWR | O_CREAT, 0600).value();
  EXPECT_EQ(exit_code_of([&] {
              const std::vector<std::byte> room(64 << 20);
              const bool done = pwrite_all(file.get(), 0, std::span(room).first(10), "file") &&
                                file_size(file.get(), "file").value_or(0) == 10;
              return done ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace lifeboat
