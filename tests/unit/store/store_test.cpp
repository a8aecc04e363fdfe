// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <random>

#include "src/base/log.h"
#include "src/base/sys.h"
#include "src/store/crash_list.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using test::why;
using testing::HasSubstr;

class Store : public testing::Test {
 protected:
  void SetUp() override {
    temp_.emplace(TempDir::create("store-test").value());
    root_ = open_file(temp_->path(), O_RDONLY | O_DIRECTORY).value();
  }
  void TearDown() override { sys::set_fault_hook({}); }
  [[nodiscard]] fs::path path(const char* name) const { return temp_->path() / name; }
  [[nodiscard]] std::string content(const char* name) const { return read_text(path(name)).value(); }

  std::optional<TempDir> temp_;
  UniqueFd root_;
};

TEST_F(Store, SymbolicLinksAreNotFollowed) {
  fs::create_directory(path("elsewhere"));
  fs::create_directory_symlink(path("elsewhere"), path("crash"));
  EXPECT_FALSE(open_folder_below(root_.get(), "/crash/lifeboat"));
  EXPECT_TRUE(fs::is_empty(path("elsewhere")));
}

// Another user may have put something there since the load; a dump must be saved all the same.
TEST_F(Store, WhatHasTheStoresNameIsMovedAside) {
  fs::create_directory(path("elsewhere"));
  for (const char* name : {"/lifeboat", "/crash/lifeboat/"}) {
    const fs::path place = temp_->path().string() + fs::path(name).parent_path().string();
    const fs::path store = std::string(name).ends_with('/') ? place : place / "lifeboat";
    fs::create_directories(store.parent_path());
    fs::create_directory_symlink(path("elsewhere"), store);
    ASSERT_TRUE(open_folder_below(root_.get(), name)) << name;
    EXPECT_TRUE(fs::is_directory(fs::symlink_status(store)));
    EXPECT_TRUE(fs::is_symlink(store.string() + ".was-in-the-way-1"));
    fs::remove(store);
    ASSERT_TRUE(write_file_atomically(store, as_byte_span("a file"), 0600));
    ASSERT_TRUE(open_folder_below(root_.get(), name)) << name;
    EXPECT_EQ(read_text(store.string() + ".was-in-the-way-2").value(), "a file");
  }
  EXPECT_TRUE(fs::is_empty(path("elsewhere")));
  // Another name may be meant for something else.
  fs::create_directory_symlink(path("elsewhere"), path("dumps"));
  EXPECT_FALSE(open_folder_below(root_.get(), "/dumps"));
  EXPECT_TRUE(fs::is_symlink(path("dumps")));
  // And where nothing is to be made, nothing is moved.
  fs::remove(path("lifeboat"));
  fs::create_directory_symlink(path("elsewhere"), path("lifeboat"));
  EXPECT_FALSE(find_folder_below(root_.get(), "/lifeboat"));
  EXPECT_TRUE(fs::is_symlink(path("lifeboat")));
}

TEST_F(Store, FoldersAreMadeOnTheWay) {
  ASSERT_TRUE(open_folder_below(root_.get(), "/var/crash/lifeboat"));
  ASSERT_TRUE(open_folder_below(root_.get(), "var//crash/./lifeboat/"));
  EXPECT_TRUE(fs::is_directory(path("var/crash/lifeboat")));
  EXPECT_EQ(fs::status(path("var/crash/lifeboat")).permissions(), fs::perms::owner_all);
  const auto upwards = open_folder_below(root_.get(), "var/../../etc");
  ASSERT_FALSE(upwards);
  EXPECT_THAT(upwards.error().message, HasSubstr("contains '..'"));
  ASSERT_TRUE(write_file_atomically(path("plain"), {}, 0600));
  EXPECT_FALSE(open_folder_below(root_.get(), "plain/x"));
}

TEST_F(Store, AFolderThatHasToBeThereIsNotMade) {
  EXPECT_EQ(code_of(find_folder_below(root_.get(), "crash/lifeboat")), ErrorCode::not_found);
  EXPECT_FALSE(fs::exists(path("crash")));
  fs::create_directories(path("elsewhere/lifeboat"));
  EXPECT_TRUE(find_folder_below(root_.get(), "/elsewhere/lifeboat/"));
  fs::create_directory_symlink(path("elsewhere"), path("crash"));
  EXPECT_FALSE(find_folder_below(root_.get(), "crash/lifeboat"));
}

// What another user may have made before.
class StoreOfOthers : public Store {
 protected:
  static constexpr uid_t kNobody = 65534;
  void SetUp() override {
    Store::SetUp();
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give folders to others";
  }
  void make(const char* name, uid_t owner, mode_t mode) const {
    fs::create_directories(path(name));
    ASSERT_EQ(::chmod(path(name).c_str(), mode), 0);
    ASSERT_EQ(::chown(path(name).c_str(), owner, owner), 0);
  }
  void claim(const std::string& name) const {
    const auto store = open_folder_below(root_.get(), name);
    ASSERT_TRUE(store) << why(store);
    claim_store(store->get(), path(name.c_str()));
  }
  [[nodiscard]] struct stat look(const char* name) const {
    struct stat status{};
    EXPECT_EQ(::lstat(path(name).c_str(), &status), 0);
    return status;
  }
};

TEST_F(StoreOfOthers, LifeboatsOwnBecomesRootsAlone) {
  make("foreign/lifeboat", kNobody, 0700);
  make("open/lifeboat", 0, 0777);
  for (const char* name : {"foreign/lifeboat", "open/lifeboat"}) {
    claim(std::string(name) + "/");
    EXPECT_EQ(look(name).st_uid, 0U) << name;
    EXPECT_EQ(look(name).st_mode & 07777, 0700U) << name;
  }
}

TEST_F(StoreOfOthers, AFolderForOthersTooStaysAsItIs) {
  make("crash", kNobody, 01777);
  make("readable/lifeboat", 0, 0755);
  claim("crash");
  claim("readable/lifeboat");
  EXPECT_EQ(look("crash").st_uid, kNobody);
  EXPECT_EQ(look("crash").st_mode & 07777, 01777U);
  EXPECT_EQ(look("readable/lifeboat").st_mode & 07777, 0755U);
}

// Another user replaces the new folder before it is opened.
TEST_F(StoreOfOthers, ASwappedCrashFolderIsNotUsed) {
  int made = 0;
  sys::set_fault_hook([&](sys::Call call) {
    if (call == sys::Call::open && made++ == 0) make("20261123T084228Z", kNobody, 0700);
    return 0;
  });
  const auto folder = create_crash_folder(root_.get(), 1795423348);
  sys::set_fault_hook({});
  ASSERT_TRUE(folder) << why(folder);
  EXPECT_EQ(folder->name, "20261123T084228Z-2");
  EXPECT_FALSE(fs::exists(path("20261123T084228Z")));
}

TEST_F(StoreOfOthers, AFileSystemWithoutOwnersCostsNoDump) {
  sys::set_fault_hook([&](sys::Call call) {
    if (call != sys::Call::open) return 0;
    for (const auto& entry : fs::directory_iterator(temp_->path()))
      EXPECT_EQ(::chown(entry.path().c_str(), kNobody, kNobody), 0);
    return 0;
  });
  EXPECT_TRUE(create_crash_folder(root_.get(), 1795423348));
}

TEST_F(Store, SmallFileIsReplacedWhole) {
  ASSERT_TRUE(replace_small_file(root_.get(), "record", "first and long"));
  ASSERT_TRUE(replace_small_file(root_.get(), "record", "second"));
  EXPECT_EQ(content("record"), "second");
  EXPECT_EQ(fs::status(path("record")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  for (const auto failing : {sys::Call::open, sys::Call::pwrite, sys::Call::ftruncate, sys::Call::rename}) {
    sys::set_fault_hook([failing](sys::Call call) { return call == failing ? EIO : 0; });
    EXPECT_FALSE(replace_small_file(root_.get(), "record", "third"));
    sys::set_fault_hook({});
    EXPECT_EQ(content("record"), "second");
  }
  ASSERT_TRUE(replace_small_file(root_.get(), "record", "third"));
  EXPECT_EQ(content("record"), "third");
  EXPECT_FALSE(fs::exists(path("record.new")));
}

TEST_F(Store, ReservedSpaceIsUsedAgain) {
  ASSERT_TRUE(reserve_small_file(root_.get(), "record", "not yet", 10'000));
  EXPECT_EQ(content("record"), "not yet");
  struct stat before{}, after{};
  ASSERT_EQ(::stat(path("record.new").c_str(), &before), 0);
  EXPECT_EQ(before.st_size, 10'000);
  EXPECT_GE(before.st_blocks, 16) << "a hole is no room";
  ASSERT_TRUE(replace_small_file(root_.get(), "record", "the end"));
  EXPECT_EQ(content("record"), "the end");
  ASSERT_EQ(::stat(path("record").c_str(), &after), 0);
  EXPECT_EQ(after.st_ino, before.st_ino);
  EXPECT_FALSE(fs::exists(path("record.new")));
  EXPECT_TRUE(drop_reserve(root_.get(), "record"));
  EXPECT_EQ(content("record"), "the end");
}

TEST_F(Store, ReserveOfSomebodyElseIsNotWrittenTo) {
  ASSERT_TRUE(write_file_atomically(path("victim"), as_byte_span("safe"), 0600));
  fs::create_hard_link(path("victim"), path("record.new"));
  ASSERT_TRUE(replace_small_file(root_.get(), "record", "a"));
  fs::create_symlink(path("victim"), path("record.new"));
  ASSERT_TRUE(replace_small_file(root_.get(), "record", "b"));
  ASSERT_EQ(::mkfifo(path("record.new").c_str(), 0600), 0);
  ASSERT_TRUE(replace_small_file(root_.get(), "record", "c"));
  EXPECT_EQ(content("record"), "c");
  EXPECT_EQ(content("victim"), "safe");
}

TEST_F(Store, TwoCrashesInOneSecondGetTwoFolders) {
  constexpr uint64_t kTime = 1795423348;
  EXPECT_EQ(create_crash_folder(root_.get(), kTime)->name, "20261123T084228Z");
  EXPECT_EQ(create_crash_folder(root_.get(), kTime)->name, "20261123T084228Z-2");
  EXPECT_TRUE(fs::is_directory(path("20261123T084228Z-2")));
}

// With any time in a dump, the crash's folder has a name by which it is found again.
TEST_F(Store, AFolderOfAnyTimeIsListed) {
  constexpr uint64_t kYear10000 = 253402300800;
  std::vector<uint64_t> times = {0,
                                 1,
                                 59,
                                 60,
                                 86399,
                                 86400,
                                 951782399,
                                 4102444799,
                                 kYear10000 - 1,
                                 kYear10000,
                                 67768036191676799,
                                 uint64_t{1} << 62,
                                 uint64_t{1} << 63,
                                 ~uint64_t{0}};
  std::mt19937_64 random(1);
  for (int bits = 1; bits <= 64; ++bits) {
    for (int each = 0; each < 8; ++each) times.push_back(random() >> (64 - bits));
  }
  const auto before = static_cast<uint64_t>(std::time(nullptr));
  unsigned boot = 0;
  for (const uint64_t time : times) {
    const auto folder = create_crash_folder(root_.get(), time, fmt::format("{:08x}-2fa1", ++boot));
    ASSERT_TRUE(folder) << time << ": " << why(folder);
    const auto named = crash_folder_time(folder->name);
    ASSERT_TRUE(named) << time << ": " << folder->name;
    EXPECT_EQ(can_name_crash_folder(time), time != 0 && time < kYear10000);
    if (can_name_crash_folder(time)) {
      EXPECT_EQ(*named, time);
    } else {
      EXPECT_GE(*named, before);
    }
  }
  const auto crashes = list_crashes(root_.get()).value();
  EXPECT_EQ(crashes.size(), times.size());
  EXPECT_TRUE(std::ranges::is_sorted(crashes, std::greater{}, &StoredCrash::crash_time));
}

TEST_F(Store, OfOneSecondTheLastIsTheNewest) {
  for (int each = 0; each < 12; ++each) ASSERT_TRUE(create_crash_folder(root_.get(), 1795423348));
  const auto crashes = list_crashes(root_.get()).value();
  ASSERT_EQ(crashes.size(), 12U);
  EXPECT_EQ(crashes.front().name, "20261123T084228Z-12");
  EXPECT_EQ(crashes.back().name, "20261123T084228Z");
}

TEST(CrashFolderName, IsNothingThatOnlyLooksLikeATime) {
  for (const char* name : {"", "20261123T084228", "2026112 T084228Z", "20261123T08422 Z", "+0261123T084228Z",
                           "20261323T084228Z", "19691231T235959Z", "202611230T84228Z", "20261123T084228Z-",
                           "20261123T084228Z.removed", "253402300800"})
    EXPECT_FALSE(crash_folder_time(name)) << name;
}

}  // namespace
}  // namespace lifeboat
