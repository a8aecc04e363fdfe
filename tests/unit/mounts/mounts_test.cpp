// SPDX-License-Identifier: GPL-2.0-or-later
// What parse_mounts() makes of lines that are not as usual; the usual ones: local_target_test.cpp.
#include "src/mounts/mounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/size.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kRoot = "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n";

class Mounts : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([this](log::Level level, std::string_view text) {
      EXPECT_EQ(level, log::Level::warning);
      messages_.emplace_back(text);
    });
  }
  void TearDown() override { log::set_sink({}); }
  // The mount points of the lines behind the root's.
  std::vector<std::string> points(const std::string& lines) {
    std::vector<std::string> found;
    for (const auto& mount : parse_mounts(std::string(kRoot) + lines)) found.push_back(mount.mount_point);
    EXPECT_EQ(found.empty() ? "" : found.front(), "/");
    if (!found.empty()) found.erase(found.begin());
    return found;
  }
  std::vector<std::string> messages_;
};

TEST_F(Mounts, HaveAllTheirFields) {
  const auto mounts =
      parse_mounts("41 21 259:1048575 /sub /mnt rw master:3 propagate_from:2 - xfs /dev/x rw,a=b\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].device_number, "259:1048575");
  EXPECT_EQ(mounts[0].root, "/sub");
  EXPECT_EQ(mounts[0].mount_point, "/mnt");
  EXPECT_EQ(mounts[0].filesystem, "xfs");
  EXPECT_EQ(mounts[0].source, "/dev/x");
  EXPECT_THAT(messages_, IsEmpty());
}

TEST_F(Mounts, EscapesAreDecodedOnce) {
  const auto mounts = parse_mounts(
      "41 21 8:3 /a\\011b /c\\040d\\012e\\134f\\134040g rw - ext4 /dev/disk/by-label/x\\040y rw\n");
  ASSERT_EQ(mounts.size(), 1U);
  EXPECT_EQ(mounts[0].root, "/a\tb");
  EXPECT_EQ(mounts[0].mount_point, "/c d\ne\\f\\040g");
  EXPECT_EQ(mounts[0].source, "/dev/disk/by-label/x y");
}

TEST_F(Mounts, ASourceMayBeEmptyOrADash) {
  EXPECT_THAT(points("41 21 0:30 / /a rw - tmpfs  rw\n42 21 0:31 / /b rw - fuse.x - rw\n"),
              ElementsAre("/a", "/b"));
  EXPECT_THAT(messages_, IsEmpty());
}

TEST_F(Mounts, TheLastLineNeedsNoEnd) {
  EXPECT_THAT(points("41 21 8:3 / /a rw - ext4 /dev/sda3 rw"), ElementsAre("/a"));
}

TEST_F(Mounts, NoneInNothing) {
  EXPECT_THAT(parse_mounts(""), IsEmpty());
  EXPECT_THAT(messages_, IsEmpty());
}

// The mount that such a line describes may hide another one: it is not left out in silence.
TEST_F(Mounts, ALineThatIsNotUnderstoodIsReported) {
  for (const char* line : {"garbage", "44 21 8:6 / /short", "44 21 8:6 / /a rw ext4 /dev/sda6 rw",
                           "44 21 8 / /a rw - ext4 /dev/sda6 rw", "x 21 8:6 / /a rw - ext4 /dev/sda6 rw"}) {
    messages_.clear();
    EXPECT_THAT(points(std::string(line) + "\n45 21 8:7 / /after rw - ext4 /dev/sda7 rw\n"),
                ElementsAre("/after"))
        << line;
    EXPECT_THAT(messages_, ElementsAre(HasSubstr("line 2 is not understood"))) << line;
  }
}

// libmount guesses the format by the first line, and would read the next as those of an fstab: a device
// number as the type.
TEST_F(Mounts, AFirstLineOfAnotherFormatGivesNoWrongMounts) {
  for (const std::string line : {"/dev/sda1 / ext4 defaults 0 1\n", "garbage\n"}) {
    messages_.clear();
    EXPECT_THAT(parse_mounts(line + std::string(kRoot)), IsEmpty()) << line;
    EXPECT_THAT(messages_, testing::Contains(testing::AnyOf(HasSubstr("not a list of mounts"),
                                                            HasSubstr("line 2 is not understood"))))
        << line;
  }
}

TEST_F(Mounts, TheNearestOfStackedMountsIsTheLast) {
  const auto mounts = parse_mounts(
      "21 1 8:1 / / rw - ext4 a rw\n30 21 8:2 / /x rw - ext4 b rw\n31 21 8:3 / /x rw - ext4 c rw\n"
      "32 21 8:4 / /x/y rw - ext4 d rw\n");
  EXPECT_EQ(mount_of(mounts, "/x/z"), &mounts.at(2));
  EXPECT_EQ(mount_of(mounts, "/x/y"), &mounts.at(3));
  EXPECT_EQ(mount_of(mounts, "/xy"), &mounts.at(0));
  EXPECT_EQ(mount_of({}, "/x"), nullptr);
}

// This machine's own list, whatever is in it, has a root and is understood.
TEST_F(Mounts, ThisMachines) {
  const auto mounts = parse_mounts(read_text("/proc/self/mountinfo", 16_MiB).value());
  EXPECT_NE(mount_of(mounts, "/"), nullptr);
  EXPECT_THAT(messages_, IsEmpty());
}

}  // namespace
}  // namespace lifeboat
