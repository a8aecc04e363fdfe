// SPDX-License-Identifier: GPL-2.0-or-later
// Each call of the interface can be made to fail, and then has done nothing.
#include "src/base/sys.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "src/base/file.h"
#include "src/base/folders.h"
#include "tests/support/faults.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using sys::Call;
using test::code_of;
using test::FaultInjection;

class SystemCalls : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  void write(const std::string& name) const {
    ASSERT_TRUE(write_file_atomically(path(name), as_byte_span("text"), 0600));
  }
  TempDir folder_ = TempDir::create("sys-test").value();
  UniqueFd fd_ = open_file(folder_.path(), O_RDONLY | O_DIRECTORY).value();
};

TEST_F(SystemCalls, AnyOfThemCanBeMadeToFail) {
  write("file");
  const UniqueFd file = open_file(path("file"), O_RDWR).value();
  int argument = 0;
  char temporary[] = "/nowhere/XXXXXX";
  const std::pair<Call, std::function<long()>> calls[] = {
      {Call::syncfs, [&] { return sys::syncfs(fd_.get()); }},
      {Call::unlink, [&] { return sys::unlinkat(fd_.get(), "file"); }},
      {Call::unlink, [&] { return sys::remove_all(path("file").c_str()); }},
      {Call::ftruncate, [&] { return sys::ftruncate(file.get(), 0); }},
      {Call::allocate, [&] { return sys::allocate(file.get(), 0, 1 << 20); }},
      {Call::chown, [&] { return sys::fchown(file.get(), 1, 1); }},
      {Call::chmod, [&] { return sys::fchmod(file.get(), 0777); }},
      {Call::ioctl, [&] { return sys::ioctl(file.get(), 0, &argument); }},
      {Call::open, [&] { return sys::create_temporary_file(temporary); }},
      {Call::mkdir, [&] { return sys::create_temporary_folder(temporary); }},
      {Call::mount, [&] { return sys::mount("none", "/nowhere", "tmpfs", 0, nullptr); }},
      {Call::mount, [&] { return sys::fsopen("tmpfs", 0); }},
      {Call::mount, [&] { return sys::fsconfig(-1, FSCONFIG_CMD_CREATE, nullptr, nullptr); }},
      {Call::mount, [&] { return sys::fsmount(-1, 0, 0); }},
      {Call::umount, [&] { return sys::umount("/nowhere", 0); }},
      {Call::fork, [&] { return sys::fork(); }},
      {Call::finit_module, [&] { return sys::finit_module(-1); }},
      {Call::reboot, [&] { return sys::reboot(RB_AUTOBOOT); }},
  };
  for (const auto& [call, make] : calls) {
    const FaultInjection fault(call, 0, EXDEV);
    EXPECT_EQ(make(), -1) << static_cast<int>(call);
    EXPECT_EQ(errno, EXDEV) << static_cast<int>(call);
    EXPECT_TRUE(fault.fired());
  }
  EXPECT_EQ(read_text(path("file")).value(), "text");
}

TEST_F(SystemCalls, AllocatingSetsErrnoLikeTheOthers) {
  const UniqueFd read_only = open_file(folder_.path(), O_RDONLY | O_DIRECTORY).value();
  EXPECT_EQ(sys::allocate(read_only.get(), 0, 1), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST_F(SystemCalls, SyncIsSeen) {
  int seen = 0;
  sys::set_fault_hook([&](Call call) {
    if (call == Call::sync) ++seen;
    return 0;
  });
  sys::sync();
  sys::set_fault_hook({});
  EXPECT_EQ(seen, 1);
}

TEST_F(SystemCalls, FoldersAreMadeOnTheWay) {
  ASSERT_TRUE(make_folders(path("a/b/c/")));
  ASSERT_TRUE(make_folder_of(path("a/d/file")));
  EXPECT_TRUE(fs::is_directory(path("a/b/c")));
  EXPECT_TRUE(fs::is_directory(path("a/d")));
  EXPECT_TRUE(make_folder_of("file"));
  write("plain");
  EXPECT_FALSE(make_folders(path("plain/x")));
  const FaultInjection fault(Call::mkdir, 1, ENOSPC);
  EXPECT_EQ(code_of(make_folders(path("x/y/z"))), ErrorCode::no_space);
}

TEST_F(SystemCalls, AFileThatIsNotThereIsRemovedAlready) {
  write("file");
  EXPECT_TRUE(remove_file(path("file")));
  EXPECT_TRUE(remove_file(path("file")));
  EXPECT_TRUE(remove_file_at(fd_.get(), "none"));
  const FaultInjection fault(Call::unlink, 0, EROFS);
  const auto removed = remove_file(path("file"));
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().sys_errno, EROFS);
}

// A file that could not be written whole is not left beside the one that it was to replace.
TEST_F(SystemCalls, AFailedReplacementLeavesNothing) {
  write("file");
  for (const auto call : {Call::chmod, Call::write, Call::fsync, Call::rename}) {
    const FaultInjection fault(call, 0, EIO);
    EXPECT_FALSE(write_file_atomically(path("file"), as_byte_span("other"), 0600));
  }
  EXPECT_EQ(read_text(path("file")).value(), "text");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 1);
}

}  // namespace
}  // namespace lifeboat
