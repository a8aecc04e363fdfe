// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/mounted_target.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "src/base/file.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;

constexpr std::string_view kMountinfo =
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "40 21 8:2 /inner /srv/part rw - ext4 /dev/sda2 rw\n"
    "41 21 8:2 / /srv/whole rw - ext4 /dev/sda2 rw\n"
    "42 21 8:3 / /mnt/hidden rw - ext4 /dev/sda3 rw\n"
    "43 21 8:4 / /mnt/hidden rw - ext4 /dev/sda4 rw\n"
    "44 21 8:5 / /srv/whole/crash/deep rw - ext4 /dev/sda5 rw\n";

std::optional<std::string> place(const char* number, const char* path) {
  return mounted_folder(kMountinfo, BlockDevice{.path = "/dev/none", .number = number}, path);
}

TEST(MountedFolder, IsBelowTheMountPoint) {
  EXPECT_EQ(place("8:1", "/var/crash/lifeboat"), "/var/crash/lifeboat");
  EXPECT_EQ(place("8:2", "/crash"), "/srv/whole/crash");
  EXPECT_EQ(place("8:2", "crash/"), "/srv/whole/crash");
  EXPECT_EQ(place("8:4", "/"), "/mnt/hidden");
}

TEST(MountedFolder, IsFoundWhereAFolderThatHoldsItIsMounted) {
  EXPECT_EQ(place("8:2", "/inner/crash"), "/srv/part/crash");
  EXPECT_EQ(place("8:2", "/inner"), "/srv/part");
  // A name that only begins like the mount's root is not in it.
  EXPECT_EQ(place("8:2", "/inner2"), "/srv/whole/inner2");
}

TEST(MountedFolder, IsNowhere) {
  EXPECT_FALSE(place("8:9", "/crash"));
  EXPECT_FALSE(place("8:3", "/crash")) << "another one is mounted over it";
  EXPECT_FALSE(place("8:2", "/crash/deep/lifeboat")) << "another one is mounted on the way";
}

// btrfs has a device number of its own, and a source that may be no file; it knows its devices itself.
TEST(MountedFolder, IsFoundInASubvolume) {
  const auto sys = TempDir::create("mounted-target-test").value();
  const auto device = sys.path() / "fs/btrfs/cdcd/devices/sda1";
  std::filesystem::create_directories(device);
  ASSERT_TRUE(write_file_atomically((device / "dev").string(), as_byte_span("8:1\n"), 0600));
  const HostPaths paths{.sys = sys.path(), .btrfs_uuid_of = [](const std::string& folder) {
                          return Result<std::string>(folder == "/" || folder == "/mnt" ? "cdcd" : "none");
                        }};
  const auto find = [&](const char* number, const char* path) {
    return mounted_folder(
        "21 1 0:20 /@ / rw - btrfs /dev/root rw\n22 21 0:20 /@var /var rw - btrfs x rw\n"
        "23 21 0:20 /@hidden /mnt rw - btrfs x rw\n24 23 0:20 /@over /mnt rw - btrfs x rw\n",
        BlockDevice{.path = "/dev/none", .number = number}, path, paths);
  };
  EXPECT_EQ(find("8:1", "/@/srv/crash"), "/srv/crash");
  EXPECT_FALSE(find("8:1", "/srv/crash")) << "the top is mounted nowhere";
  EXPECT_FALSE(find("8:1", "/@/var/crash")) << "another one is mounted over it";
  EXPECT_EQ(find("8:1", "/@over/crash"), "/mnt/crash");
  EXPECT_FALSE(find("8:1", "/@hidden/crash")) << "another one is mounted over it";
  EXPECT_FALSE(find("8:2", "/@/srv/crash"));
}

TEST(MountedFolder, OfATargetWithoutADeviceIsItsPath) {
  EXPECT_EQ(mounted_folder("", "/var/crash/lifeboat").value(), "/var/crash/lifeboat");
  EXPECT_EQ(code_of(mounted_folder("/dev/none", "/crash")), ErrorCode::not_found);
}

}  // namespace
}  // namespace lifeboat
