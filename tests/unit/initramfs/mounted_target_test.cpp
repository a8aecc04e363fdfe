// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/mounted_target.h"

#include <gtest/gtest.h>

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

TEST(MountedFolder, OfATargetWithoutADeviceIsItsPath) {
  EXPECT_EQ(mounted_folder("", "/var/crash/lifeboat").value(), "/var/crash/lifeboat");
  EXPECT_EQ(code_of(mounted_folder("/dev/none", "/crash")), ErrorCode::not_found);
}

}  // namespace
}  // namespace lifeboat
