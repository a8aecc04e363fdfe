// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/pstore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "src/base/file.h"
#include "src/base/sys.h"
#include "tests/support/faults.h"

namespace lifeboat::collect {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class MovePstore : public testing::Test {
 protected:
  MovePstore() {
    fs::create_directories(path("crash"));
    fd_ = open_file(path("crash"), O_RDONLY | O_DIRECTORY).value();
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  void write(const std::string& name, std::string_view text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    ASSERT_TRUE(write_file_atomically(path(name), as_byte_span(text), 0600));
  }
  void set_time(const std::string& name, time_t time) const {
    const timespec times[2] = {{.tv_sec = time, .tv_nsec = 0}, {.tv_sec = time, .tv_nsec = 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path(name).c_str(), times, 0), 0);
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    return read_text(path("crash/pstore/" + name)).value_or("(none)");
  }
  MovedRecords move() { return move_pstore(path("source"), fd_.get(), not_before_); }

  TempDir folder_ = TempDir::create("pstore-test").value();
  UniqueFd fd_;
  uint64_t not_before_ = 0;
};

TEST_F(MovePstore, NothingThereMakesNoFolder) {
  EXPECT_EQ(move().count, 0U);
  fs::create_directories(path("source"));
  EXPECT_THAT(move().problems, IsEmpty());
  EXPECT_FALSE(fs::exists(path("crash/pstore")));
}

TEST_F(MovePstore, ARecordThatWasMovedAlreadyIsTakenAway) {
  write("source/dmesg-1", "one");
  write("source/dmesg-2", "two");
  write("crash/pstore/dmesg-1", "one");
  const auto moved = move();
  EXPECT_EQ(moved.count, 2U);
  EXPECT_THAT(moved.problems, IsEmpty());
  EXPECT_TRUE(fs::is_empty(path("source")));
  EXPECT_FALSE(fs::exists(path("crash/pstore/dmesg-1-2")));
}

TEST_F(MovePstore, AnotherRecordOfThatNameGetsItsOwn) {
  write("source/dmesg-1", "new");
  write("crash/pstore/dmesg-1", "old");
  write("crash/pstore/dmesg-1-2", "older");
  EXPECT_EQ(move().count, 1U);
  EXPECT_EQ(read("dmesg-1"), "old");
  EXPECT_EQ(read("dmesg-1-2"), "older");
  EXPECT_EQ(read("dmesg-1-3"), "new");
}

TEST_F(MovePstore, WhatAnInterruptedAttemptLeftIsNotInTheWay) {
  write("source/dmesg-1", "whole");
  write("crash/pstore/dmesg-1.incomplete", "wh");
  EXPECT_EQ(move().count, 1U);
  EXPECT_EQ(read("dmesg-1"), "whole");
  EXPECT_FALSE(fs::exists(path("crash/pstore/dmesg-1.incomplete")));
}

TEST_F(MovePstore, OneThatCannotBeReadKeepsNoneOfTheOthers) {
  write("source/1", "one");
  write("source/2", "two");
  const test::FaultInjection fault(sys::Call::read, 0, EIO);
  const auto moved = move();
  EXPECT_EQ(moved.count, 1U);
  EXPECT_THAT(moved.problems, ElementsAre(HasSubstr("/source/1")));
  EXPECT_TRUE(fs::exists(path("source/1")));
  EXPECT_EQ(read("2"), "two");
}

TEST_F(MovePstore, AFullDiskIsReportedOnce) {
  write("source/1", "one");
  write("source/2", "two");
  const test::FaultInjection fault(sys::Call::write, 0, ENOSPC, test::FaultInjection::Duration::for_good);
  EXPECT_THAT(move().problems, ElementsAre(HasSubstr("No space left")));
  EXPECT_TRUE(fs::exists(path("source/1")) && fs::exists(path("source/2")));
}

TEST_F(MovePstore, OneFromBeforeStays) {
  write("source/1700000000/dmesg.txt", "old");
  write("source/1795423348/dmesg.txt", "new");
  set_time("source/1700000000/dmesg.txt", 1'700'000'000);
  set_time("source/1795423348/dmesg.txt", 1'795'423'348);
  not_before_ = 1'795'423'348;
  EXPECT_EQ(move().count, 1U);
  EXPECT_EQ(read("1795423348-dmesg.txt"), "new");
  EXPECT_TRUE(fs::exists(path("source/1700000000/dmesg.txt")));
  EXPECT_FALSE(fs::exists(path("source/1795423348")));
}

TEST_F(MovePstore, OnlyWhatBelongsIsMoved) {
  write("source/dmesg-1", "one");
  write("source/dmesg-2", "two");
  const auto moved = move_pstore(path("source"), fd_.get(),
                                 [](const PstoreRecord& record) { return record.path.ends_with("2"); });
  EXPECT_EQ(moved.count, 1U);
  EXPECT_EQ(read("dmesg-2"), "two");
  EXPECT_TRUE(fs::exists(path("source/dmesg-1")));
}

TEST_F(MovePstore, TheNewestIsReportedFirst) {
  write("source/a", "old");
  write("source/b/c", "new");
  set_time("source/a", 5);
  set_time("source/b/c", 1'795'423'348);
  fs::create_symlink(path("source/a"), path("source/link"));
  std::vector<std::string> problems;
  const auto records = pstore_records(std::vector{path("source"), path("not-there")}, problems);
  EXPECT_THAT(problems, IsEmpty());
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].path, path("source/b/c"));
  EXPECT_EQ(describe(records),
            "2 records in pstore without a saved crash, the newest of 2026-11-23 08:42:28 UTC");
}

TEST_F(MovePstore, NoLinkIsFollowed) {
  write("source/1", "one");
  fs::create_directories(path("elsewhere"));
  fs::create_directory_symlink(path("elsewhere"), path("crash/pstore"));
  EXPECT_EQ(move().count, 0U);
  EXPECT_TRUE(fs::is_empty(path("elsewhere")));
  EXPECT_TRUE(fs::exists(path("source/1")));
}

}  // namespace
}  // namespace lifeboat::collect
