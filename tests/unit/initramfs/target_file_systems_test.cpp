// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/target_file_systems.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "capture/initramfs/local_target.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "tests/support/btrfs_disk.h"
#include "tests/support/ext4_disk.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::why;
using testing::HasSubstr;

TEST(TargetFileSystems, ThatTakeADump) {
  for (const char* type : {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs"})
    EXPECT_TRUE(check_file_system(type, "/crash")) << type;
}

TEST(TargetFileSystems, OthersAreRefusedByName) {
  struct Known {
    const char* type;
    const char* reason;
  };
  for (const auto& [type, reason] : {
           Known{"squashfs", "cannot write"},
           {"iso9660", "cannot write"},
           {"erofs", "cannot write"},
           {"zfs", "its own tools"},
           {"zfs_member", "its own tools"},
           {"bcachefs", "its own tools"},
           {"vfat", "no owners and permissions"},
           {"exfat", "no owners and permissions"},
           {"ntfs3", "no owners and permissions"},
           {"nfs4", "network"},
           {"cifs", "network"},
           {"9p", "network"},
           {"virtiofs", "network"},
           {"ceph", "network"},
           {"tmpfs", "in memory"},
           {"ramfs", "in memory"},
           {"fuseblk", "FUSE"},
           {"fuse.sshfs", "FUSE"},
           {"ocfs2", "cluster"},
           {"aufs", "lies on another"},
           {"ubifs", "raw flash"},
           {"LVM2_member", "not a file system"},
           {"crypto_LUKS", "not a file system"},
           {"linux_raid_member", "not a file system"},
           {"isw_raid_member", "not a file system"},
           {"swap", "not a file system"},
           {"newfs", "not known to work"},
           {"", "not known to work"},
       }) {
    const auto refused = check_file_system(type, "/crash");
    ASSERT_FALSE(refused) << type;
    EXPECT_EQ(refused.error().code, ErrorCode::unsupported) << type;
    EXPECT_THAT(refused.error().message, HasSubstr(std::string(type) + " (/crash)"));
    EXPECT_THAT(refused.error().message, HasSubstr(reason)) << type;
    EXPECT_THAT(refused.error().fix, HasSubstr("[target]")) << type;
  }
  // This one may be a matter of mounting it.
  EXPECT_THAT(check_file_system("autofs", "/net/crash").error().fix, HasSubstr("ls /net/crash"));
}

TEST(TargetFileSystems, OneDriverMountsAllOfTheExtFamily) {
  EXPECT_TRUE(is_same_file_system("ext4", "ext3"));
  EXPECT_TRUE(is_same_file_system("xfs", "xfs"));
  EXPECT_FALSE(is_same_file_system("ext4", "xfs"));
  EXPECT_FALSE(is_same_file_system("btrfs", "ext2"));
}

// --- Superblocks.

class Superblocks : public testing::Test {
 protected:
  Result<FileSystemOnDevice> probe(ByteSpan disk) {
    EXPECT_TRUE(write_file_atomically(path_, disk, 0600));
    return probe_device(path_);
  }
  TempDir folder_ = TempDir::create("superblocks").value();
  std::string path_ = folder_.path() / "disk";
};

// fs/xfs/libxfs/xfs_format.h, struct xfs_dsb; numbers are big-endian.
std::vector<std::byte> xfs_disk() {
  std::vector<std::byte> disk(32_MiB);
  const auto put = [&](size_t at, uint64_t value, size_t bytes) {
    for (size_t index = 0; index < bytes; ++index)
      disk[at + index] = static_cast<std::byte>(value >> (8 * (bytes - 1 - index)));
  };
  for (size_t index = 0; index < 4; ++index) disk[index] = static_cast<std::byte>("XFSB"[index]);
  put(4, 4096, 4);  // bytes of a block
  put(8, 8192, 8);  // blocks
  for (size_t index = 0; index < 16; ++index) disk[32 + index] = std::byte{0xef};
  put(48, 4100, 8);     // where the log begins
  put(80, 1, 4);        // extent of the realtime section
  put(84, 4096, 4);     // blocks of an allocation group
  put(88, 2, 4);        // allocation groups
  put(96, 1200, 4);     // blocks of the log
  put(100, 0xb4a4, 2);  // version 4, without checksums
  put(102, 512, 2);     // bytes of a sector
  put(104, 512, 2);     // bytes of an inode
  put(106, 8, 2);       // inodes of a block
  put(120, 12, 1);      // logarithms of the above
  put(121, 9, 1);
  put(122, 9, 1);
  put(123, 3, 1);
  put(124, 12, 1);
  put(127, 25, 1);  // percent for inodes
  return disk;
}

TEST_F(Superblocks, AnXfsWithAllOfItOnOneDevice) {
  const auto found = probe(xfs_disk());
  ASSERT_TRUE(found) << why(found);
  EXPECT_EQ(found->type, "xfs");
  EXPECT_EQ(found->elsewhere, "");
}

TEST_F(Superblocks, AnXfsWithALogOrARealtimeSectionElsewhere) {
  auto disk = xfs_disk();
  disk[48 + 6] = disk[48 + 7] = std::byte{0};
  EXPECT_EQ(probe(disk)->elsewhere, "its log");
  disk = xfs_disk();
  disk[16 + 7] = std::byte{9};
  ASSERT_TRUE(write_file_atomically(path_, disk, 0600));
  EXPECT_EQ(part_elsewhere(path_, "xfs").value(), "its realtime section");
}

TEST_F(Superblocks, AnExt4WithAJournalElsewhere) {
  auto disk = test::ext4_disk();
  EXPECT_EQ(probe(disk)->elsewhere, "");
  disk[1024 + 0xD0] = std::byte{0x77};  // the UUID of its journal
  EXPECT_EQ(probe(disk)->elsewhere, "its journal");
}

TEST_F(Superblocks, AnF2fsOnTwoDevices) {
  std::vector<std::byte> disk(1_MiB);
  constexpr uint8_t kMagic[] = {0x10, 0x20, 0xf5, 0xf2};
  for (size_t index = 0; index < 4; ++index) disk[1024 + index] = std::byte{kMagic[index]};
  // The first of devs[] is the device itself: 64 bytes of a path, 4 of a size.
  disk[1024 + 2201] = std::byte{'/'};
  ASSERT_TRUE(write_file_atomically(path_, disk, 0600));
  EXPECT_EQ(part_elsewhere(path_, "f2fs").value(), "");
  disk[1024 + 2201 + 68] = std::byte{'/'};
  ASSERT_TRUE(write_file_atomically(path_, disk, 0600));
  EXPECT_EQ(part_elsewhere(path_, "f2fs").value(), "some of its data");
}

TEST_F(Superblocks, ThatAreNoneOrCutOff) {
  ASSERT_TRUE(write_file_atomically(path_, std::vector<std::byte>(4096), 0600));
  EXPECT_EQ(code_of(part_elsewhere(path_, "xfs")), ErrorCode::unsupported);
  EXPECT_EQ(code_of(part_elsewhere(path_, "f2fs")), ErrorCode::unsupported);
  EXPECT_EQ(part_elsewhere(path_, "ext4").value(), "");
  ASSERT_TRUE(write_file_atomically(path_, std::vector<std::byte>(50), 0600));
  EXPECT_EQ(code_of(part_elsewhere(path_, "xfs")), ErrorCode::truncated);
  EXPECT_EQ(code_of(part_elsewhere(path_, "f2fs")), ErrorCode::truncated);
  EXPECT_EQ(code_of(part_elsewhere(folder_.path() / "none", "xfs")), ErrorCode::not_found);
}

// squashfs has no UUID: its name counts first.
TEST_F(Superblocks, WhatHasNoUuidIsNamedAllTheSame) {
  std::vector<std::byte> disk(1_MiB);
  for (size_t index = 0; index < 4; ++index) disk[index] = static_cast<std::byte>("hsqs"[index]);
  disk[28] = std::byte{4};  // version 4.0
  const auto refused = probe(disk);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("squashfs"));
}

TEST_F(Superblocks, APartOfAPoolIsNotAFileSystem) {
  std::vector<std::byte> disk(1_MiB);
  constexpr std::string_view kLuks("LUKS\xba\xbe\0\1", 8);
  for (size_t index = 0; index < kLuks.size(); ++index) disk[index] = static_cast<std::byte>(kLuks[index]);
  constexpr std::string_view kUuid = "11111111-2222-3333-4444-555555555555";
  for (size_t index = 0; index < kUuid.size(); ++index)
    disk[168 + index] = static_cast<std::byte>(kUuid[index]);
  const auto refused = probe(disk);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("crypto_LUKS"));
}

}  // namespace
}  // namespace lifeboat
