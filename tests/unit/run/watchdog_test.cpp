// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/watchdog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include "src/base/log.h"
#include "src/base/sys.h"
#include "tests/support/faults.h"

namespace lifeboat::capture {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// Devices are plain files: what was written to them shows which was opened.
class WatchdogDevices : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([this](log::Level, std::string_view text) { logged_.emplace_back(text); });
    fs::create_directories(dev_);
  }
  void TearDown() override { log::set_sink({}); }
  // "" for a file that is not there.
  void add(int number, const std::string& state, const std::string& identity) const {
    write(fmt::format("{}/watchdog{}", dev_, number), "");
    const std::string folder = fmt::format("{}/watchdog{}", sys_, number);
    fs::create_directories(folder);
    if (!state.empty()) write(folder + "/state", state + "\n");
    if (!identity.empty()) write(folder + "/identity", identity + "\n");
  }
  // One with a pretimeout, as its driver shows it.
  void add_pretimeout(int number, const std::string& seconds, const std::string& governor) const {
    const std::string folder = fmt::format("{}/watchdog{}", sys_, number);
    write(folder + "/pretimeout", seconds + "\n");
    if (!governor.empty()) write(folder + "/pretimeout_governor", governor + "\n");
  }
  [[nodiscard]] std::string attribute(int number, const std::string& name) const {
    return read_line(fmt::format("{}/watchdog{}/{}", sys_, number, name)).value_or("(none)");
  }
  [[nodiscard]] std::string food(int number) const {
    return read_text(fmt::format("{}/watchdog{}", dev_, number)).value_or("(none)");
  }

  TempDir folder_ = TempDir::create("watchdog-test").value();
  std::string sys_ = folder_.path() / "sys", dev_ = folder_.path() / "dev";
  Watchdogs watchdogs_{sys_, dev_};
  std::vector<std::string> logged_;

  static void write(const std::string& path, std::string_view text) {
    ASSERT_TRUE(write_file_atomically(path, as_byte_span(text), 0600));
  }
};

TEST_F(WatchdogDevices, OnlyThoseThatRunAreOpened) {
  add(0, "inactive", "Software Watchdog");
  add(1, "active", "iTCO_wdt");
  add(2, "inactive", "i6300ESB timer");
  add(3, "inactive", "");
  watchdogs_.start({"i6300ESB timer", "gone"});
  watchdogs_.feed();
  EXPECT_EQ(food(0), "");
  EXPECT_EQ(food(1), "\0\0"s);
  EXPECT_EQ(food(2), "\0\0"s) << "it ran, and its driver does not report it";
  EXPECT_EQ(food(3), "");
}

TEST_F(WatchdogDevices, OneOfAKernelThatReportsNothingIsTakenForRunning) {
  add(0, "", "");
  watchdogs_.start({});
  EXPECT_EQ(food(0), "\0"s);
}

// While the drivers are loaded it is looked again and again.
TEST_F(WatchdogDevices, OnesThatAppearLaterAreOpenedOnce) {
  watchdogs_.start({});
  add(1, "active", "late");
  watchdogs_.start({});
  EXPECT_EQ(food(1), "\0"s);
  watchdogs_.start({});
  EXPECT_EQ(food(1), "\0\0"s);
}

TEST_F(WatchdogDevices, AreStoppedByTheMagicLetter) {
  add(0, "active", "any");
  watchdogs_.start({});
  watchdogs_.stop();
  watchdogs_.feed();
  EXPECT_EQ(food(0), "\0V"s);
}

// Whether it is fed or not: the governor of one that is not opened can be reached, too.
TEST_F(WatchdogDevices, ThePretimeoutOfEachIsTurnedOff) {
  add(0, "active", "runs");
  add(1, "inactive", "does not");
  for (const int number : {0, 1}) add_pretimeout(number, "10", "panic");
  watchdogs_.start({});
  for (const int number : {0, 1}) {
    EXPECT_EQ(attribute(number, "pretimeout"), "0") << number;
    EXPECT_EQ(attribute(number, "pretimeout_governor"), "noop") << number;
  }
  EXPECT_EQ(food(1), "") << "it is not opened for that";
  EXPECT_THAT(watchdogs_.problems(), IsEmpty());
  EXPECT_THAT(logged_, Contains(HasSubstr("watchdog 0: its pretimeout of 10 s is turned off")));
}

// As in today's kernels, where that attribute can only be read.
TEST_F(WatchdogDevices, AHarmlessGovernorIsEnough) {
  add(0, "active", "any");
  add_pretimeout(0, "10", "panic");
  const test::FaultInjection fault(sys::Call::write, 0, EACCES);
  watchdogs_.start({});
  EXPECT_EQ(attribute(0, "pretimeout"), "10");
  EXPECT_EQ(attribute(0, "pretimeout_governor"), "noop");
  EXPECT_THAT(watchdogs_.problems(), IsEmpty());
  EXPECT_EQ(food(0), "\0"s);
}

TEST_F(WatchdogDevices, TheDeviceItselfIsAsked) {
  add(0, "active", "any");
  add_pretimeout(0, "10", "panic");
  std::vector<sys::Call> calls;
  sys::set_fault_hook([&](sys::Call call) {
    if (call == sys::Call::ioctl || call == sys::Call::write) calls.push_back(call);
    if (call == sys::Call::ioctl) return sys::kPretend;
    return call == sys::Call::write ? EACCES : 0;
  });
  watchdogs_.start({});
  sys::set_fault_hook({});
  EXPECT_THAT(watchdogs_.problems(), IsEmpty()) << "it has reported that the pretimeout is 0 now";
  // Attribute and governor before it is opened; then the device, and only then food.
  using sys::Call;
  EXPECT_THAT(calls, ElementsAre(Call::write, Call::write, Call::ioctl, Call::ioctl, Call::write, Call::ioctl,
                                 Call::write));
}

// It accepts the call, and has the pretimeout all the same.
TEST_F(WatchdogDevices, TheDeviceIsNotBelievedWithoutALook) {
  add(0, "active", "any");
  add_pretimeout(0, "10", "panic");
  int ioctls = 0;
  sys::set_fault_hook([&](sys::Call call) {
    if (call == sys::Call::ioctl) return ++ioctls == 2 ? sys::kPretend : ENOTTY;
    return call == sys::Call::write ? EACCES : 0;
  });
  watchdogs_.start({});
  sys::set_fault_hook({});
  EXPECT_THAT(watchdogs_.problems(), ElementsAre(HasSubstr("its pretimeout of 10 s cannot be turned off")));
}

TEST_F(WatchdogDevices, APretimeoutThatStaysIsReportedOnce) {
  add(0, "active", "any");
  add(1, "inactive", "other");
  add_pretimeout(0, "10", "panic");
  add_pretimeout(1, "5", "");
  {
    const test::FaultInjection fault(sys::Call::write, 0, EACCES, test::FaultInjection::Duration::for_good);
    watchdogs_.start({});
    watchdogs_.start({});
    EXPECT_THAT(watchdogs_.problems(),
                ElementsAre(AllOf(HasSubstr("watchdog 0: "), HasSubstr("10 s"), HasSubstr("'panic'"),
                                  HasSubstr("WDIOC_SETPRETIMEOUT"), HasSubstr("pretimeout_governor")),
                            AllOf(HasSubstr("watchdog 1: "), HasSubstr("5 s"), HasSubstr("its driver"))));
    EXPECT_EQ(std::ranges::count_if(logged_, [](const auto& line) { return line.contains("cannot be"); }), 2);
  }
  // What works later is no problem any more.
  watchdogs_.start({});
  EXPECT_THAT(watchdogs_.problems(), IsEmpty());
  EXPECT_EQ(attribute(1, "pretimeout"), "0");
}

// Loaded after the watchdog's driver, it takes over what has no governor yet.
TEST_F(WatchdogDevices, AGovernorThatComesLaterIsReplaced) {
  add(0, "active", "any");
  watchdogs_.start({});
  add_pretimeout(0, "10", "panic");
  watchdogs_.start({});
  EXPECT_EQ(attribute(0, "pretimeout_governor"), "noop");
  EXPECT_THAT(watchdogs_.problems(), IsEmpty());
}

TEST_F(WatchdogDevices, WithoutAPretimeoutNothingIsWritten) {
  add(0, "active", "any");
  add(1, "inactive", "other");
  add_pretimeout(1, "0", "noop");
  add(2, "active", "has no governor");
  write(fmt::format("{}/watchdog2/pretimeout_governor", sys_), "");
  write(fmt::format("{}/watchdog2/pretimeout", sys_), "nonsense\n");
  watchdogs_.start({});
  EXPECT_EQ(attribute(1, "pretimeout_governor"), "noop");
  EXPECT_EQ(attribute(2, "pretimeout"), "nonsense");
  EXPECT_THAT(watchdogs_.problems(), IsEmpty());
  EXPECT_THAT(logged_, Not(Contains(HasSubstr("pretimeout"))));
}

TEST_F(WatchdogDevices, MoreThanAHandfulAreFed) {
  add(31, "active", "any");
  add_pretimeout(31, "3", "panic");
  watchdogs_.start({});
  EXPECT_EQ(food(31), "\0"s);
  EXPECT_EQ(attribute(31, "pretimeout_governor"), "noop");
}

// A driver without the kernel's watchdog core has /dev/watchdog alone.
TEST_F(WatchdogDevices, AnOldOneIsFedOnceTheDriversAreLoaded) {
  const std::string old = dev_ + "/watchdog";
  write(old, "");
  watchdogs_.start({});
  EXPECT_EQ(read_text(old), "") << "the core may be about to make its own";
  watchdogs_.start_old();
  EXPECT_EQ(read_text(old), "\0"s);
  watchdogs_.start_old();
  watchdogs_.stop();
  EXPECT_EQ(read_text(old), "\0V"s);
}

TEST_F(WatchdogDevices, TheSecondNameOfAnOrdinaryOneIsNotOpened) {
  add(0, "inactive", "Software Watchdog");
  write(dev_ + "/watchdog", "");
  watchdogs_.start({});
  watchdogs_.start_old();
  EXPECT_EQ(read_text(dev_ + "/watchdog"), "");
}

}  // namespace
}  // namespace lifeboat::capture
