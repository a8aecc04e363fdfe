// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/watchdog.h"

#include <gtest/gtest.h>

#include "src/base/log.h"

namespace lifeboat::capture {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

// Devices are plain files: what was written to them shows which was opened.
class WatchdogDevices : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([](log::Level, std::string_view) {});
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
  [[nodiscard]] std::string food(int number) const {
    return read_text(fmt::format("{}/watchdog{}", dev_, number)).value_or("(none)");
  }

  TempDir folder_ = TempDir::create("watchdog-test").value();
  std::string sys_ = folder_.path() / "sys", dev_ = folder_.path() / "dev";
  Watchdogs watchdogs_{sys_, dev_};

 private:
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

}  // namespace
}  // namespace lifeboat::capture
