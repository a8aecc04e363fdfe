// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/disk_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "capture/plan/capture_plan.h"
#include "src/base/log.h"
#include "src/base/size.h"
#include "src/base/sys.h"
#include "tests/support/faults.h"
#include "tests/support/whole_dump.h"

namespace lifeboat::capture {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class SpaceInStore : public testing::Test {
 protected:
  void SetUp() override {
    log::set_sink([this](log::Level, std::string_view text) { messages_.emplace_back(text); });
    fd_ = open_file(folder_.path(), O_RDONLY | O_DIRECTORY).value();
  }
  void TearDown() override { log::set_sink({}); }
  void add(const std::string& crash, const char* file) const {
    std::filesystem::create_directory(folder_.path() / crash);
    ASSERT_TRUE(write_file_atomically(folder_.path() / crash / file, as_byte_span(test::whole_dump()), 0600));
  }
  [[nodiscard]] std::vector<std::string> left() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }

  TempDir folder_ = TempDir::create("space-test").value();
  UniqueFd fd_;
  Heartbeat heartbeat_{-1};
  std::vector<std::string> messages_;
};

TEST_F(SpaceInStore, OldestGoesOneAtATimeAndTheNewestWholeDumpStays) {
  add("20260101T000000Z", kLogFile);
  add("20260102T000000Z", kDumpFile);
  add("20260103T000000Z", kDumpFile);
  add("20260104T000000Z", kIncompleteDumpFile);
  add("20260105T000000Z", kIncompleteDumpFile);
  DiskSpace space(fd_.get(), heartbeat_);
  space.keep("20260105T000000Z");
  EXPECT_TRUE(space.take_oldest());
  EXPECT_THAT(left(),
              ElementsAre("20260102T000000Z", "20260103T000000Z", "20260104T000000Z", "20260105T000000Z"));
  EXPECT_TRUE(space.take_oldest());
  EXPECT_TRUE(space.take_oldest()) << "half a dump is worth less than the one that is being saved";
  EXPECT_THAT(left(), ElementsAre("20260103T000000Z", "20260105T000000Z"));
  EXPECT_FALSE(space.take_oldest());
  EXPECT_THAT(left(), ElementsAre("20260103T000000Z", "20260105T000000Z"));
}

// A folder that gives nothing back is no space made.
TEST_F(SpaceInStore, EmptyFolderIsNotEnough) {
  std::filesystem::create_directory(folder_.path() / "20260101T000000Z");
  add("20260102T000000Z", kDumpFile);
  add("20260103T000000Z", kDumpFile);
  EXPECT_TRUE(DiskSpace(fd_.get(), heartbeat_).take_oldest());
  EXPECT_THAT(left(), ElementsAre("20260103T000000Z"));
}

TEST_F(SpaceInStore, NothingIsRemovedWhileThereIsSpace) {
  add("20260101T000000Z", kDumpFile);
  add("20260102T000000Z", kDumpFile);
  DiskSpace space(fd_.get(), heartbeat_);
  space.make_small();
  space.apply({});
  EXPECT_EQ(left().size(), 2u);
}

TEST_F(SpaceInStore, SpaceIsTriedAndFreedWhereThereIsNone) {
  add("20260101T000000Z", kDumpFile);
  add("20260102T000000Z", kDumpFile);
  const test::FaultInjection fault(sys::Call::allocate, 0, ENOSPC);
  DiskSpace(fd_.get(), heartbeat_).make_small();
  EXPECT_TRUE(fault.fired());
  EXPECT_THAT(left(), ElementsAre("20260102T000000Z"));
}

TEST_F(SpaceInStore, ACrashThatCannotBeRemovedIsReportedAndStays) {
  add("20260101T000000Z", kDumpFile);
  add("20260102T000000Z", kDumpFile);
  const test::FaultInjection fault(sys::Call::unlink, 0, EIO, test::FaultInjection::Duration::for_good);
  EXPECT_FALSE(DiskSpace(fd_.get(), heartbeat_).take_oldest());
  EXPECT_EQ(left().size(), 2u);
  EXPECT_THAT(messages_, Contains(HasSubstr("20260101T000000Z: cannot remove")));
}

TEST_F(SpaceInStore, AFailedSyncIsReported) {
  add("20260101T000000Z", kDumpFile);
  add("20260102T000000Z", kDumpFile);
  const test::FaultInjection fault(sys::Call::syncfs, 0, EIO, test::FaultInjection::Duration::for_good);
  DiskSpace space(fd_.get(), heartbeat_);
  EXPECT_TRUE(space.take_oldest());
  space.make_small();
  EXPECT_THAT(messages_,
              ElementsAre(HasSubstr("20260101T000000Z"), HasSubstr("cannot sync"), HasSubstr("cannot sync")));
}

TEST_F(SpaceInStore, ATrialThatStaysIsReported) {
  const test::FaultInjection fault(sys::Call::unlink, 1, EIO);
  DiskSpace(fd_.get(), heartbeat_).make_small();
  EXPECT_THAT(messages_, Contains(HasSubstr("cannot remove .lifeboat-space")));
}

// The clock of the kernel that died may have been wrong: by its name this crash is the oldest.
TEST_F(SpaceInStore, RetentionNeverTakesTheCrashThatWasJustSaved) {
  add("19700101T000000Z", kDumpFile);
  add("20260102T000000Z", kDumpFile);
  add("20260103T000000Z", kDumpFile);
  DiskSpace space(fd_.get(), heartbeat_);
  space.keep("19700101T000000Z");
  space.apply({.keep = 1});
  EXPECT_THAT(left(), ElementsAre("19700101T000000Z", "20260103T000000Z"));
}

}  // namespace
}  // namespace lifeboat::capture
