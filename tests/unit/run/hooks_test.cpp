// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/hooks.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/size.h"
#include "tests/support/pipes.h"

namespace lifeboat::capture {
namespace {

using namespace std::chrono_literals;

class Hooks : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  std::string script(const std::string& name, const std::string& body) const {
    EXPECT_TRUE(write_file_atomically(path(name), as_byte_span("#!/bin/sh\n" + body), 0755));
    return path(name);
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    return read_text(path(name)).value_or("(none)");
  }
  TempDir folder_ = TempDir::create("hooks-test").value();
};

TEST_F(Hooks, GetTheirPlaceInTheEnvironment) {
  run_hooks({script("a", "echo $1 $LIFEBOAT_POINT $LIFEBOAT_FOLDER $LIFEBOAT_OUTCOME >" + path("output"))},
            {.point = "after", .folder = "/mnt/crash", .outcome = "whole"}, 60s, {});
  EXPECT_EQ(read("output"), "after after /mnt/crash whole\n");
}

TEST_F(Hooks, ThatFailDoNotKeepTheNextFromRunning) {
  run_hooks({path("missing"), script("b", "exit 3"), script("c", "kill -9 $$"),
             script("d", "echo here >" + path("output"))},
            {.point = "before"}, 60s, {});
  EXPECT_EQ(read("output"), "here\n");
}

// A reader of capture.log must not take it for the reason why there is no dump.
TEST_F(Hooks, ThatCannotBeRunAreAWarning) {
  const std::string plain = script("plain", "exit 0"), text = path("text");
  std::filesystem::permissions(plain, std::filesystem::perms(0644));
  ASSERT_TRUE(write_file_atomically(text, as_byte_span("neither #! nor a program"), 0755));
  // The child that cannot become the hook reports why, so the messages go into a file.
  const UniqueFd messages = open_file(path("messages"), O_WRONLY | O_CREAT | O_APPEND, 0600).value();
  log::set_sink([&messages](log::Level level, std::string_view message) {
    EXPECT_TRUE(write_all(
        messages.get(),
        as_byte_span(fmt::format("{}{}\n", level == log::Level::warning ? "" : "BAD LEVEL ", message)),
        "messages"));
  });
  run_hooks({path("missing"), plain, text, folder_.path()}, {.point = "before"}, 60s, {});
  log::set_sink({});
  EXPECT_EQ(read("messages"), fmt::format("hook {0}/missing: No such file or directory\n"
                                          "hook {0}/missing: exit code 127\n"
                                          "hook {0}/plain: Permission denied\n"
                                          "hook {0}/plain: exit code 127\n"
                                          "hook {0}/text: Exec format error\n"
                                          "hook {0}/text: exit code 127\n"
                                          "hook {0}: Permission denied\n"
                                          "hook {0}: exit code 127\n",
                                          folder_.path().string()));
}

TEST_F(Hooks, ThatHangAreKilledWithTheirChildren) {
  int waits = 0;
  const auto begin = std::chrono::steady_clock::now();
  run_hooks({script("a", "sleep 1000 & echo $! >" + path("child") + "\nwait\n")}, {.point = "before"}, 3s,
            [&waits] { ++waits; });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 100s);
  EXPECT_GT(waits, 5) << "a watchdog would have starved";
  std::string child = read("child");
  ASSERT_FALSE(child.empty()) << "the hook came to nothing in its time";
  child.pop_back();
  const auto pid = static_cast<pid_t>(parse_number(child).value());
  // Its parent is gone, so another process has to reap it: it only has to have ended.
  for (int tenth = 0; tenth < 500 && ::kill(pid, 0) == 0; ++tenth) {
    const auto status = read_text("/proc/" + child + "/stat").value_or(") Z");
    if (status.find(") Z") != std::string::npos) return;
    ::usleep(100'000);
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(Hooks, AndTheirChildrenDoNotOutliveWhoRunsThem) {
  test::FamilyPipe family;
  const std::string hook =
      script("a", fmt::format("sleep 1000 &\necho x >/proc/self/fd/{}\nwait\n", family.writer()));
  const pid_t runner = ::fork();
  if (runner == 0) {
    run_hooks({hook}, {.point = "before"}, 600s, {});
    ::_exit(0);
  }
  family.leave_to_family();
  ASSERT_TRUE(family.hears());
  ASSERT_EQ(::kill(runner, SIGKILL), 0);
  ASSERT_EQ(::waitpid(runner, nullptr, 0), runner);
  EXPECT_TRUE(family.all_gone());
}

// As scripts do that take their helpers with them.
TEST_F(Hooks, MaySignalTheirOwnGroup) {
  run_hooks({script("a", "trap 'echo done >" + path("output") + "; exit 0' TERM\nkill 0\nsleep 1000\n")},
            {.point = "before"}, 60s, {});
  EXPECT_EQ(read("output"), "done\n");
}

}  // namespace
}  // namespace lifeboat::capture
