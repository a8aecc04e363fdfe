// SPDX-License-Identifier: GPL-2.0-or-later
// A crash is removed as a whole or stays as a whole, and one of which the removal was cut off is not called
// whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/plan/capture_plan.h"
#include "capture/run/supervise.h"
#include "src/base/sys.h"
#include "src/store/crash_list.h"
#include "tests/support/faults.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using test::FaultInjection;
using test::why;
using testing::HasSubstr;

constexpr const char* kCrash = "20261123T084228Z";

class RemoveCrash : public testing::Test {
 protected:
  RemoveCrash() {
    for (const char* name :
         {kLogFile, kReportJsonFile, kReportTextFile, kDumpFile, kCrashRecordFile, "pstore/dmesg"})
      write(name);
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / kCrash / name; }
  void write(const std::string& name) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    ASSERT_TRUE(write_file_atomically(path(name), as_byte_span("text"), 0600));
  }
  [[nodiscard]] size_t entries() const {
    return static_cast<size_t>(std::distance(fs::recursive_directory_iterator(folder_.path()), {}));
  }
  [[nodiscard]] Result<> remove() const { return remove_crash(fd_.get(), kCrash); }

  TempDir folder_ = TempDir::create("remove-crash-test").value();
  UniqueFd fd_ = open_file(folder_.path(), O_RDONLY | O_DIRECTORY).value();
};

TEST_F(RemoveCrash, TakesAllOfIt) {
  fs::create_symlink("/", path("link"));
  const auto removed = remove();
  EXPECT_TRUE(removed) << why(removed);
  EXPECT_EQ(entries(), 0U);
}

// At whichever call it ends, power fails or the disk does.
TEST_F(RemoveCrash, WhatIsLeftIsNeverCalledWhole) {
  const size_t all = entries();
  for (int nth = 0;; ++nth) {
    const FaultInjection fault(sys::Call::unlink, nth, EIO, FaultInjection::Duration::for_good);
    const auto removed = remove();
    if (!fault.fired()) break;
    ASSERT_FALSE(removed);
    if (entries() == all) continue;
    const auto crashes = list_crashes(fd_.get()).value();
    ASSERT_EQ(crashes.size(), 1U) << "nobody would ever remove the rest";
    EXPECT_NE(crashes[0].outcome, CrashOutcome::whole) << nth;
    for (const char* name :
         {kLogFile, kReportJsonFile, kReportTextFile, kDumpFile, kCrashRecordFile, "pstore/dmesg"})
      write(name);
  }
  EXPECT_EQ(entries(), 0U);
}

TEST_F(RemoveCrash, WhatLiesTooDeepLeavesItWhole) {
  std::string deep = "a";
  for (int depth = 0; depth < 9; ++depth) deep += "/a";
  write(deep + "/file");
  const size_t all = entries();
  const auto removed = remove();
  EXPECT_EQ(code_of(removed), ErrorCode::unsupported);
  EXPECT_THAT(why(removed), HasSubstr(std::string(kCrash) + "/a/a"));
  EXPECT_EQ(entries(), all);
}

TEST_F(RemoveCrash, AFolderOfSomebodyElseStays) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  ASSERT_EQ(::chown(path("").c_str(), 65534, 65534), 0);
  const size_t all = entries();
  EXPECT_EQ(code_of(remove()), ErrorCode::no_permission);
  EXPECT_EQ(entries(), all);
}

TEST_F(RemoveCrash, AnotherFolderOfThatNameStays) {
  const auto crashes = list_crashes(fd_.get()).value();
  fs::rename(path(""), folder_.path() / "aside");
  write(kDumpFile);
  const auto removed = remove_crash(fd_.get(), kCrash, crashes.at(0).id);
  EXPECT_EQ(code_of(removed), ErrorCode::busy);
  EXPECT_TRUE(fs::exists(path(kDumpFile)));
}

TEST_F(RemoveCrash, AnImmutableFileLeavesItWhole) {
  const UniqueFd file = open_file(path("pstore/dmesg"), O_RDONLY).value();
  int flags = FS_IMMUTABLE_FL;
  if (::ioctl(file.get(), FS_IOC_SETFLAGS, &flags) != 0) GTEST_SKIP() << "no immutable files here";
  const size_t all = entries();
  const auto removed = remove();
  EXPECT_EQ(entries(), all);
  flags = 0;
  EXPECT_EQ(::ioctl(file.get(), FS_IOC_SETFLAGS, &flags), 0);
  EXPECT_EQ(code_of(removed), ErrorCode::no_permission);
  EXPECT_THAT(why(removed), HasSubstr(std::string(kCrash) + "/pstore/dmesg"));
}

// In a process with mounts of its own. `source` and `type` as for mount(2).
class RemoveMounted : public RemoveCrash {
 protected:
  void expect_refusal(const char* type, unsigned long flags, const std::string& source,
                      const std::string& target) {
    const auto outcome =
        capture::supervise("mounts", std::chrono::seconds(60), [&](capture::Heartbeat&) -> Result<> {
          if (::unshare(CLONE_NEWNS) != 0 ||
              ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
              ::mount(source.c_str(), target.c_str(), type, flags, nullptr) != 0)
            return write_file_atomically(no_mounts_, {}, 0600);
          const size_t all = entries();
          // The store is opened where the mounts are.
          const UniqueFd store = open_file(folder_.path(), O_RDONLY | O_DIRECTORY).value();
          const auto removed = remove_crash(store.get(), kCrash);
          EXPECT_EQ(code_of(removed), ErrorCode::busy) << why(removed);
          EXPECT_THAT(why(removed), HasSubstr(fs::relative(target, folder_.path()).string()));
          EXPECT_EQ(entries(), all);
          return ::testing::Test::HasFailure() ? fail(ErrorCode::io, "see above") : Result<>();
        });
    if (fs::exists(no_mounts_)) GTEST_SKIP() << "nothing can be mounted here";
    EXPECT_EQ(outcome, capture::Outcome::done);
  }
  TempDir other_ = TempDir::create("remove-crash-test").value();
  std::string no_mounts_ = other_.path() / "no-mounts";
};

TEST_F(RemoveMounted, AFileSystemLeavesItWhole) {
  fs::create_directory(path("mnt"));
  expect_refusal("tmpfs", 0, "none", path("mnt"));
}

TEST_F(RemoveMounted, AFolderOfTheSameFileSystemLeavesItWhole) {
  fs::create_directory(path("mnt"));
  fs::create_directory(folder_.path() / "elsewhere");
  ASSERT_TRUE(write_file_atomically(folder_.path() / "elsewhere/precious", as_byte_span("text"), 0600));
  expect_refusal(nullptr, MS_BIND, folder_.path() / "elsewhere", path("mnt"));
  EXPECT_TRUE(fs::exists(folder_.path() / "elsewhere/precious"));
}

TEST_F(RemoveMounted, AFileLeavesItWhole) {
  ASSERT_TRUE(write_file_atomically(folder_.path() / "precious", as_byte_span("text"), 0600));
  expect_refusal(nullptr, MS_BIND, folder_.path() / "precious", path("pstore/dmesg"));
}

TEST_F(RemoveMounted, ACrashsFolderThatIsAMountStays) {
  fs::create_directory(folder_.path() / "elsewhere");
  expect_refusal(nullptr, MS_BIND, folder_.path() / "elsewhere", folder_.path() / kCrash);
}

}  // namespace
}  // namespace lifeboat
