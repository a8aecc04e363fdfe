// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/absent_devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "src/base/file.h"

namespace lifeboat::arming {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using testing::ElementsAre;
using testing::IsEmpty;

// A name is there or not; whether it is a block device is a later question.
class AbsentDevices : public testing::Test {
 protected:
  void put(const std::string& name) const {
    ASSERT_TRUE(write_file_atomically(device(name), as_byte_span("x"), 0600));
  }
  [[nodiscard]] std::string device(const std::string& name) const { return folder_.path() / name; }
  [[nodiscard]] std::vector<config::TargetEntry> targets() const {
    return {{.path = "/a", .device = device("sda")},
            {.path = "/var/crash/no-such-folder"},
            {.path = "/b", .device = device("sdb")}};
  }
  TempDir folder_ = TempDir::create("absent-test").value();
};

TEST_F(AbsentDevices, AreThoseThatAreNotThere) {
  put("sda");
  EXPECT_THAT(absent_devices(targets()), ElementsAre(device("sdb")));
  put("sdb");
  EXPECT_THAT(absent_devices(targets()), IsEmpty());
}

TEST_F(AbsentDevices, AreWaitedForButNotForEver) {
  const auto begin = Clock::now();
  EXPECT_FALSE(wait_for_one(absent_devices(targets()), begin + 300ms));
  EXPECT_GE(Clock::now() - begin, 300ms);
}

TEST_F(AbsentDevices, TheFirstThatComesEndsTheWait) {
  const auto absent = absent_devices(targets());
  std::jthread late([this] {
    std::this_thread::sleep_for(200ms);
    put("sdb");
  });
  EXPECT_TRUE(wait_for_one(absent, Clock::now() + 1h));
  EXPECT_THAT(absent_devices(targets()), ElementsAre(device("sda")));
}

TEST_F(AbsentDevices, AllAreWaitedForButNotForEver) {
  const auto begin = Clock::now();
  wait_for_devices(targets(), 0ms);
  EXPECT_LT(Clock::now() - begin, 300ms);
  wait_for_devices(targets(), 300ms);
  EXPECT_GE(Clock::now() - begin, 300ms);
  std::jthread late([this] {
    put("sdb");
    std::this_thread::sleep_for(700ms);
    put("sda");
  });
  wait_for_devices(targets(), 1h);
  EXPECT_THAT(absent_devices(targets()), IsEmpty());
  wait_for_devices(targets(), 1h);
}

}  // namespace
}  // namespace lifeboat::arming
