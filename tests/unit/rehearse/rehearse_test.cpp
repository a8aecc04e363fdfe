// SPDX-License-Identifier: GPL-2.0-or-later
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "src/base/size.h"
#include "src/rehearse/guest_console.h"
#include "src/rehearse/guest_run.h"
#include "src/rehearse/qemu.h"
#include "tests/support/results.h"

namespace lifeboat::rehearse {
namespace {

using test::why;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Phase, IsFoundWhereverTheLineHasIt) {
  EXPECT_EQ(phase_in("lifeboat: phase guest-start"), "guest-start");
  EXPECT_EQ(phase_in("[    5.1] lifeboat: phase capture-end  "), "capture-end");
  EXPECT_EQ(phase_in("lifeboat: phases of the moon"), std::nullopt);
  EXPECT_EQ(phase_in(""), std::nullopt);
}

class ConsoleFile : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return folder_.path() / "console"; }
  void say(std::string_view text) const {
    const auto file = open_file(path(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ASSERT_TRUE(file);
    ASSERT_TRUE(write_all(file->get(), as_byte_span(text), path()));
  }
  TempDir folder_ = TempDir::create("console-test").value();
};

TEST_F(ConsoleFile, GivesWholeLinesOnce) {
  Console console(path());
  EXPECT_TRUE(console.new_lines().empty());  // not there yet
  say("one\r\ntw");
  EXPECT_THAT(console.new_lines(), ElementsAre("one"));
  EXPECT_TRUE(console.new_lines().empty());
  say("o\nthree\n");
  EXPECT_THAT(console.new_lines(), ElementsAre("two", "three"));
}

TEST_F(ConsoleFile, ShowsItsEnd) {
  say("one\ntwo\nthree\n");
  EXPECT_EQ(Console(path()).tail(2), "two\nthree\n");
  EXPECT_EQ(Console(path()).tail(9), "one\ntwo\nthree\n");
}

TEST(Qemu, GetsTheMachineAsArguments) {
  const VirtualMachine machine{.kernel = "/k",
                               .initramfs = "/i",
                               .command_line = "a b",
                               .disk = "/tmp/a,b",
                               .guest_console = "/g",
                               .capture_console = "/c",
                               .memory = 512_MiB,
                               .cpus = 3,
                               .cpu_model = {},
                               .accelerator = Accelerator::tcg};
  const auto arguments = qemu_arguments("qemu", machine);
  EXPECT_THAT(arguments, Contains("512M"));
  EXPECT_THAT(arguments, Contains("3"));
  EXPECT_THAT(arguments, Contains("max"));
  EXPECT_THAT(arguments, Contains("-no-reboot"));
  // A comma would end the value and begin an option.
  EXPECT_THAT(arguments, Contains(HasSubstr("file=/tmp/a,,b")));
}

TEST(Qemu, LeavesOutWhatTheMachineHasNot) {
  VirtualMachine machine;
  machine.guest_console = "/g";
  machine.one_thread = true;
  machine.extra_arguments = {"-bios", "/f"};
  const auto arguments = qemu_arguments("qemu", machine);
  EXPECT_THAT(arguments, Contains("tcg,thread=single"));
  EXPECT_THAT(arguments, Not(Contains("-drive")));
  EXPECT_EQ(std::ranges::count(arguments, "-serial"), 1);
  EXPECT_EQ(arguments.back(), "/f");
}

// A program in QEMU's place: it prints on the guest's console what the script has, and ends.
class FakeGuest : public testing::Test {
 protected:
  Result<GuestRun> run(const std::string& script, GuestLimits limits = {}) {
    const std::string program = (folder_.path() / "qemu").string();
    const std::string text = "#!/bin/sh\nsay() { echo \"lifeboat: phase $1\" >>" + guest() + "; }\n" +
                             "saves() { echo \"lifeboat: phase $1\" >>" + capture() + "; }\n" + script + "\n";
    EXPECT_TRUE(write_file_atomically(program, as_byte_span(text), 0700));
    VirtualMachine machine;
    machine.guest_console = guest();
    machine.capture_console = capture();
    return run_guest(program, machine, limits, [](const PhaseTime&) {}, stop_);
  }
  [[nodiscard]] std::string guest() const { return folder_.path() / "guest"; }
  [[nodiscard]] std::string capture() const { return folder_.path() / "capture"; }

  TempDir folder_ = TempDir::create("guest-test").value();
  std::atomic<bool> stop_ = false;
};

TEST_F(FakeGuest, ThatGoesThroughAllPhasesHasPoweredOff) {
  const auto run = this->run("say guest-start; say guest-panic; saves capture-start; saves capture-end");
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->end, GuestEnd::powered_off);
  EXPECT_EQ(run->phases.back().name, "power-off");
}

// What could not be saved is printed: the end of the crashed kernel's log, with its marks. And a kernel that
// prints all messages prints each mark a second time.
TEST_F(FakeGuest, WhoseMarksArePrintedAgainHasReachedThemOnce) {
  const auto run = this->run(
      "say guest-start; say guest-panic; saves capture-start; echo '<7>lifeboat: phase capture-start' >>" +
      capture() + "; say capture-start; saves capture-failed; saves guest-start; saves guest-panic; " +
      "saves capture-end");
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->end, GuestEnd::powered_off);
  std::vector<std::string> names;
  for (const auto& phase : run->phases) names.push_back(phase.name);
  EXPECT_THAT(names, ElementsAre("guest-start", "guest-panic", "capture-start", "capture-failed",
                                 "capture-end", "power-off"));
}

TEST_F(FakeGuest, ThatEndsBeforeItsInitIsRecognised) {
  const auto run = this->run("echo 'Kernel panic' >>" + guest());
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->end, GuestEnd::ended_before_init);
  EXPECT_THAT(run->reason, HasSubstr("Kernel panic"));
}

TEST_F(FakeGuest, WhoseCaptureKernelDiesIsNotExcused) {
  const auto run = this->run("say guest-start; say guest-panic; echo 'out of memory' >>" + capture());
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->end, GuestEnd::capture_kernel_ended);
  EXPECT_THAT(run->reason, HasSubstr("out of memory"));
}

TEST_F(FakeGuest, ThatGivesUpIsNotWaitedFor) {
  const auto run = this->run("say guest-start; say guest-failed; exec sleep 60");
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->end, GuestEnd::failed);
}

TEST_F(FakeGuest, ThatHangsAtBootOrLaterIsEnded) {
  const std::chrono::seconds second(1), long_enough(50);
  EXPECT_EQ(run("exec sleep 60", {.boot = second, .phase = long_enough, .total = long_enough})->end,
            GuestEnd::ended_before_init);
  EXPECT_EQ(
      run("say guest-start; exec sleep 60", {.boot = long_enough, .phase = second, .total = long_enough})
          ->end,
      GuestEnd::out_of_time);
}

TEST_F(FakeGuest, IsGoneAfterAnInterrupt) {
  stop_ = true;
  const auto run = this->run("exec sleep 60");
  ASSERT_FALSE(run);
  EXPECT_THAT(run.error().message, HasSubstr("interrupted"));
}

TEST_F(FakeGuest, QemusOwnComplaintIsPassedOn) {
  const auto run = this->run("echo 'no such machine' >&2; exit 1");
  ASSERT_FALSE(run);
  EXPECT_THAT(run.error().message, HasSubstr("no such machine"));
}

}  // namespace
}  // namespace lifeboat::rehearse
