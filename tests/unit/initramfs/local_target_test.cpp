// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/initramfs/local_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "src/base/file.h"
#include "tests/support/btrfs_disk.h"
#include "tests/support/ext4_disk.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using test::why;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kMountinfo =
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 21 0:5 / /proc rw - proc proc rw\n"
    "40 21 8:2 / /var/crash rw master:3 propagate_from:2 - xfs /dev/sda2 rw\n"
    "41 21 8:3 /sub /mnt/with\\040space rw - ext4 /dev/sda3 rw\n"
    "42 21 8:4 / /mnt/over rw - ext4 /dev/sda4 rw\n"
    "43 21 8:5 / /mnt/over rw - ext4 /dev/sda5 rw\n"
    "garbage\n"
    "44 21 8:6 / /short\n";

TEST(FindMount, TakesTheNearestMountPoint) {
  EXPECT_EQ(find_mount(kMountinfo, "/home")->source, "/dev/sda1");
  EXPECT_EQ(find_mount(kMountinfo, "/var/crash")->source, "/dev/sda2");
  EXPECT_EQ(find_mount(kMountinfo, "/var/crash/lifeboat")->filesystem, "xfs");
  // A name that only begins like a mount point is not below it.
  EXPECT_EQ(find_mount(kMountinfo, "/var/crashes")->source, "/dev/sda1");
}

TEST(FindMount, ReadsEscapesAndTheRootOfABindMount) {
  const auto mount = find_mount(kMountinfo, "/mnt/with space/x");
  ASSERT_TRUE(mount) << why(mount);
  EXPECT_EQ(mount->mount_point, "/mnt/with space");
  EXPECT_EQ(mount->root, "/sub");
  EXPECT_EQ(mount->device_number, "8:3");
}

TEST(FindMount, TheLaterOfTwoMountsHidesTheEarlier) {
  EXPECT_EQ(find_mount(kMountinfo, "/mnt/over/x")->source, "/dev/sda5");
}

TEST(FindMount, NothingMountedIsAnError) {
  EXPECT_EQ(code_of(find_mount("", "/")), ErrorCode::not_found);
  EXPECT_EQ(code_of(find_mount("nonsense - x", "/")), ErrorCode::not_found);
}

// A /sys with one disk: a partition on a SCSI disk behind a PCI controller.
class DeviceDrivers : public testing::Test {
 protected:
  void SetUp() override {
    const fs::path disk = sys() / "devices/pci0000:00/0000:00:05.0/host0/0:0:0:0/block/sda/sda1";
    fs::create_directories(disk);
    fs::create_directories(sys() / "dev/block");
    fs::create_symlink(disk, sys() / "dev/block/8:1");
    bind("devices/pci0000:00/0000:00:05.0", "ahci");
    bind("devices/pci0000:00/0000:00:05.0/host0/0:0:0:0", "sd_mod");
  }
  [[nodiscard]] fs::path sys() const { return folder_.path(); }
  void bind(const std::string& device, const std::string& module) const {
    const fs::path driver = sys() / "bus/drivers" / module;
    fs::create_directories(driver);
    fs::create_directories(sys() / "module" / module);
    fs::create_symlink(sys() / "module" / module, driver / "module");
    fs::create_symlink(driver, sys() / device / "driver");
  }
  TempDir folder_ = TempDir::create("local-target-test").value();
};

TEST_F(DeviceDrivers, AreFoundFromTheBusToTheDisk) {
  EXPECT_THAT(device_drivers(sys().string(), "8:1").value(), ElementsAre("ahci", "sd_mod"));
}

TEST_F(DeviceDrivers, WithoutADriverTheAliasCounts) {
  const fs::path device = sys() / "devices/pci0000:00/0000:00:05.0";
  fs::remove(device / "driver");
  ASSERT_TRUE(write_file_atomically((device / "modalias").string(), as_byte_span("pci:v00008086\n"), 0600));
  EXPECT_THAT(device_drivers(sys().string(), "8:1").value(), ElementsAre("pci:v00008086", "sd_mod"));
}

TEST_F(DeviceDrivers, ABuiltInDriverIsFoundByItsAlias) {
  fs::remove(sys() / "bus/drivers/ahci/module");
  EXPECT_THAT(device_drivers(sys().string(), "8:1").value(), ElementsAre("sd_mod"));
  // Another kernel may have it as a module: the alias finds that.
  const fs::path device = sys() / "devices/pci0000:00/0000:00:05.0";
  ASSERT_TRUE(write_file_atomically((device / "modalias").string(), as_byte_span("pci:v00008086\n"), 0600));
  EXPECT_THAT(device_drivers(sys().string(), "8:1").value(), ElementsAre("pci:v00008086", "sd_mod"));
}

TEST_F(DeviceDrivers, AnUnknownDeviceIsAnError) {
  EXPECT_EQ(code_of(device_drivers(sys().string(), "9:9")), ErrorCode::not_found);
}

class LocalTargets : public DeviceDrivers {
 protected:
  Result<LocalTarget> find(const std::string& line, const std::string& folder = "/") {
    const std::string mountinfo = (sys() / "mountinfo").string();
    EXPECT_TRUE(write_file_atomically(mountinfo, as_byte_span(line), 0600));
    return find_local_target(folder, {.mountinfo = mountinfo,
                                      .sys = sys().string(),
                                      .dev = (sys() / "nodes").string(),
                                      .btrfs_uuid_of = ask_,
                                      .is_upper_of = is_upper_,
                                      .is_encrypted_folder = is_encrypted_});
  }
  void put(const fs::path& path, ByteSpan bytes) const {
    fs::create_directories(path.parent_path());
    ASSERT_TRUE(write_file_atomically(path.string(), bytes, 0600));
  }
  // What the kernel reports of 8:1, and its node, which holds a file system.
  void make_node(const std::string& uevent) const {
    put(fs::canonical(sys() / "dev/block/8:1") / "uevent", as_byte_span(uevent));
    put(sys() / "nodes/sda1", test::ext4_disk());
  }
  Result<std::string> (*ask_)(const std::string&) = btrfs_uuid_of;
  bool (*is_upper_)(const std::string&, const std::string&) = is_upper_of;
  bool (*is_encrypted_)(int) = is_encrypted_folder;
};

TEST_F(LocalTargets, TheNumberOfTheMountGivesTheDevice) {
  make_node("MAJOR=8\nMINOR=1\nDEVNAME=sda1\nDEVTYPE=partition\n");
  // What a kernel without an initramfs mounted; a link that is gone; a name of long ago.
  for (const char* source : {"/dev/root", "rootfs", "/dev/disk/by-label/gone", "/dev/hda1"}) {
    const auto target = find(fmt::format("1 0 8:1 /sub / rw - ext4 {} rw\n", source));
    ASSERT_TRUE(target) << why(target);
    EXPECT_EQ(target->target.uuid, test::kExt4Uuid);
    EXPECT_EQ(target->target.filesystem, "ext4");
    EXPECT_EQ(target->target.path, "/sub/");
    EXPECT_EQ(target->device, (sys() / "nodes/sda1").string());
    EXPECT_THAT(target->drivers, ElementsAre("ahci", "sd_mod"));
  }
}

// The plan names the folder itself: the capture kernel follows no link.
TEST_F(LocalTargets, OnlyTheOperatorsOwnLinksAreFollowed) {
  make_node("MAJOR=8\nMINOR=1\nDEVNAME=sda1\nDEVTYPE=partition\n");
  const std::string mount = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n";
  const std::string real = fs::canonical(sys()).string();
  fs::create_directories(sys() / "open");
  fs::create_symlink("disk/crash", sys() / "link");
  const auto target = find(mount, (sys() / "link/lifeboat").string());
  ASSERT_TRUE(target) << why(target);
  EXPECT_EQ(target->target.path, real + "/disk/crash/lifeboat");
  fs::permissions(sys() / "open", fs::perms::all);
  fs::create_symlink("../disk", sys() / "open/lifeboat");
  const auto refused = find(mount, (sys() / "open/lifeboat").string());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("open/lifeboat is a symbolic link"));
  EXPECT_THAT(refused.error().fix, HasSubstr("ls -l"));
  put(sys() / "file", {});
  EXPECT_THAT(find(mount, (sys() / "file").string()).error().to_string(), HasSubstr("Not a directory"));
}

TEST_F(LocalTargets, ADeviceThatTheKernelDoesNotNameIsAnError) {
  EXPECT_EQ(code_of(find("1 0 8:1 / / rw - ext4 /dev/root rw\n")), ErrorCode::not_found);
  make_node("MAJOR=8\nMINOR=1\n");
  EXPECT_EQ(code_of(find("1 0 8:1 / / rw - ext4 /dev/root rw\n")), ErrorCode::not_found);
  EXPECT_EQ(code_of(find("1 0 9:9 / / rw - ext4 /dev/root rw\n")), ErrorCode::not_found);
}

TEST_F(LocalTargets, NetworkAndMemoryFileSystemsAreRefused) {
  EXPECT_EQ(code_of(find("1 0 0:50 / / rw - nfs4 server:/export rw\n")), ErrorCode::unsupported);
  EXPECT_EQ(code_of(find("1 0 0:50 / / rw - tmpfs tmpfs rw\n")), ErrorCode::unsupported);
  EXPECT_EQ(code_of(find("1 0 0:50 / / rw - overlay rootfs rw\n")), ErrorCode::unsupported);
  EXPECT_THAT(find("1 0 0:50 / / rw - tmpfs tmpfs rw\n").error().fix, HasSubstr("[target] path"));
}

TEST_F(LocalTargets, ADeviceMadeOfOthersIsRefused) {
  fs::create_directories(fs::canonical(sys() / "dev/block/8:1") / "slaves/sdb1");
  const auto found = find("1 0 8:1 / / rw - ext4 /dev/mapper/root rw\n");
  EXPECT_EQ(code_of(found), ErrorCode::unsupported);
  EXPECT_THAT(found.error().fix, HasSubstr("[target] path"));
}

constexpr const char* kUsualEvent = "MAJOR=8\nMINOR=1\nDEVNAME=sda1\nDEVTYPE=partition\n";

TEST_F(LocalTargets, FileSystemsAreRefusedByTheirNames) {
  make_node(kUsualEvent);
  for (const char* type : {"squashfs", "iso9660", "vfat", "fuseblk", "ocfs2"}) {
    const auto found = find(fmt::format("1 0 8:1 / / rw - {} /dev/sda1 rw\n", type));
    EXPECT_EQ(code_of(found), ErrorCode::unsupported) << type;
    EXPECT_THAT(found.error().message, HasSubstr(type));
  }
  for (const char* type : {"zfs", "bcachefs", "autofs", "fuse.sshfs"}) {
    const auto found = find(fmt::format("1 0 0:40 / / rw - {} pool/root rw\n", type));
    EXPECT_EQ(code_of(found), ErrorCode::unsupported) << type;
    EXPECT_THAT(found.error().message, HasSubstr(type));
  }
}

TEST_F(LocalTargets, AFileSystemThatTheDeviceDoesNotHoldIsRefused) {
  make_node(kUsualEvent);
  EXPECT_TRUE(find("1 0 8:1 / / rw - ext3 /dev/sda1 rw\n"));
  const auto found = find("1 0 8:1 / / rw - xfs /dev/sda1 rw\n");
  EXPECT_EQ(code_of(found), ErrorCode::unsupported);
  EXPECT_THAT(found.error().message, HasSubstr("contains ext4, not xfs"));
  EXPECT_THAT(found.error().fix, HasSubstr("filesystem"));
}

TEST_F(LocalTargets, AJournalOnAnotherDeviceIsRefused) {
  make_node(kUsualEvent);
  auto disk = test::ext4_disk();
  disk[1024 + 0xD0] = std::byte{0x77};  // s_journal_uuid
  put(sys() / "nodes/sda1", disk);
  const auto found = find("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n");
  EXPECT_EQ(code_of(found), ErrorCode::unsupported);
  EXPECT_THAT(found.error().message, HasSubstr("its journal on another device"));
}

TEST_F(LocalTargets, AReadOnlyDeviceIsRefused) {
  make_node(kUsualEvent);
  const std::string mount = "1 0 8:1 / / ro - ext4 /dev/sda1 ro\n";
  put(fs::canonical(sys() / "dev/block/8:1") / "ro", as_byte_span("0\n"));
  EXPECT_TRUE(find(mount));
  put(fs::canonical(sys() / "dev/block/8:1") / "ro", as_byte_span("1\n"));
  EXPECT_EQ(code_of(find(mount)), ErrorCode::unsupported);
  EXPECT_THAT(find(mount).error().message, HasSubstr("sda1 is read-only"));
}

TEST_F(LocalTargets, AVirtualDiskIsRefused) {
  const fs::path disk = sys() / "devices/virtual/block/nbd0";
  put(disk / "uevent", as_byte_span("DEVNAME=sda1\n"));
  put(sys() / "nodes/sda1", test::ext4_disk());
  fs::create_symlink(disk, sys() / "dev/block/43:0");
  const auto found = find("1 0 43:0 / / rw - ext4 /dev/nbd0 rw\n");
  EXPECT_EQ(code_of(found), ErrorCode::unsupported);
  EXPECT_THAT(found.error().message, HasSubstr("network block device"));
}

TEST_F(LocalTargets, AnEncryptedFolderIsRefused) {
  make_node(kUsualEvent);
  is_encrypted_ = [](int) { return true; };
  const auto found = find("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n");
  EXPECT_EQ(code_of(found), ErrorCode::unsupported);
  EXPECT_THAT(found.error().message, HasSubstr("fscrypt"));
  EXPECT_FALSE(is_encrypted_folder(-1));
}

TEST_F(LocalTargets, ABindMountShowsItsFileSystem) {
  make_node(kUsualEvent);
  const auto target = find(
      "1 0 0:50 / / rw - tmpfs tmpfs rw\n2 1 8:1 /data/dumps " + sys().string() + " rw - ext4 /dev/sda1 rw\n",
      (sys() / "crash").string());
  ASSERT_TRUE(target) << why(target);
  EXPECT_EQ(target->target.path, "/data/dumps/crash");
  const auto deleted = find("1 0 8:1 /data/dumps//deleted / rw - ext4 /dev/sda1 rw\n");
  EXPECT_EQ(code_of(deleted), ErrorCode::unsupported);
  EXPECT_THAT(deleted.error().message, HasSubstr("deleted"));
}

// The overlay is mounted at merged/, its upper layer is the folder upper/ of 8:1.
class OverlayTargets : public LocalTargets {
 protected:
  void SetUp() override {
    LocalTargets::SetUp();
    make_node(kUsualEvent);
    fs::create_directories(merged() + "/var");
    fs::create_directories(upper() + "/var");
    // They are two folders here.
    is_upper_ = [](const std::string& one, const std::string& other) {
      return fs::is_directory(one) && fs::is_directory(other);
    };
  }
  [[nodiscard]] std::string merged() const { return fs::canonical(sys()).string() + "/merged"; }
  [[nodiscard]] std::string upper() const { return fs::canonical(sys()).string() + "/upper"; }
  [[nodiscard]] std::string overlay(const std::string& options) const {
    return "2 1 0:50 / " + merged() + " rw - overlay overlay " + options + "\n";
  }
};

TEST_F(OverlayTargets, AreInTheUpperLayer) {
  const std::string mounts =
      "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n" + overlay("rw,lowerdir=/l,upperdir=" + upper() + ",workdir=/w");
  for (const char* folder : {"/var", "/var/crash/lifeboat"}) {
    const auto target = find(mounts, merged() + folder);
    ASSERT_TRUE(target) << why(target);
    EXPECT_EQ(target->target.path, upper() + folder);
    EXPECT_EQ(target->target.uuid, test::kExt4Uuid);
  }
  // In a lower layer only.
  fs::remove(upper() + "/var");
  EXPECT_THAT(find(mounts, merged() + "/var/crash").error().fix, HasSubstr("touch"));
}

TEST_F(OverlayTargets, OnWhatTakesNoDumpAreRefused) {
  const auto found = find("1 0 0:9 / / rw - tmpfs tmpfs rw\n" + overlay("rw,upperdir=" + upper()), merged());
  EXPECT_EQ(code_of(found), ErrorCode::unsupported);
  EXPECT_THAT(found.error().message, HasSubstr("tmpfs"));
  EXPECT_THAT(find(overlay("ro,lowerdir=/l"), merged()).error().message, HasSubstr("read-only"));
}

TEST_F(OverlayTargets, ThatLieOnThemselvesEnd) {
  const auto found =
      find("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n" + overlay("rw,upperdir=" + merged()), merged());
  EXPECT_EQ(code_of(found), ErrorCode::unsupported);
}

// A btrfs with a record of so many devices, and is mounted with 8:1.
class BtrfsTargets : public LocalTargets {
 protected:
  void SetUp() override {
    LocalTargets::SetUp();
    make_node("DEVNAME=sda1\n");
    make_disk(test::btrfs_disk(1));
    add_device("sda1", "8:1\n");
    ask_ = [](const std::string& folder) -> Result<std::string> {
      if (folder != "/") return fail(ErrorCode::unsupported, "{} is not what was asked for", folder);
      return test::kBtrfsUuid;
    };
  }
  void make_disk(ByteSpan bytes) const { put(node(), bytes); }
  void add_device(const char* name, const char* number) const {
    put(sys() / "fs/btrfs" / test::kBtrfsUuid / "devices" / name / "dev", as_byte_span(number));
  }
  [[nodiscard]] std::string node() const { return sys() / "nodes/sda1"; }
  // The source is no file, as a kernel without an initramfs leaves it.
  Result<LocalTarget> find_btrfs() { return find("1 0 0:50 /@/root / rw - btrfs /dev/root rw\n"); }
};

TEST_F(BtrfsTargets, BeginAtTheTopOfAllSubvolumes) {
  const auto target = find_btrfs();
  ASSERT_TRUE(target) << why(target);
  EXPECT_EQ(target->target.uuid, test::kBtrfsUuid);
  EXPECT_EQ(target->target.filesystem, "btrfs");
  EXPECT_EQ(target->target.path, "/@/root/");
  EXPECT_EQ(target->device, node());
  EXPECT_THAT(target->drivers, ElementsAre("ahci", "sd_mod"));
}

TEST_F(BtrfsTargets, OnSeveralDevicesAreRefused) {
  // One of them is missing now: the kernel lists the others.
  for (const uint64_t devices : {uint64_t{0}, uint64_t{2}, UINT64_MAX}) {
    make_disk(test::btrfs_disk(devices));
    EXPECT_EQ(code_of(find_btrfs()), ErrorCode::unsupported) << devices;
    EXPECT_EQ(probe_device(node())->devices, devices);
  }
  make_disk(test::btrfs_disk(2));
  EXPECT_THAT(find_btrfs().error().message, HasSubstr("2 devices"));
  EXPECT_THAT(find_btrfs().error().fix, HasSubstr("[target] path"));
  make_disk(test::btrfs_disk(1));
  add_device("sdb1", "8:17\n");
  EXPECT_EQ(code_of(find_btrfs()), ErrorCode::unsupported);
  EXPECT_THAT(find_btrfs().error().message, HasSubstr("2 devices"));
}

TEST_F(BtrfsTargets, OnADeviceMadeOfOthersAreRefused) {
  fs::create_directories(fs::canonical(sys() / "dev/block/8:1") / "slaves/dm-0");
  EXPECT_EQ(code_of(find_btrfs()), ErrorCode::unsupported);
  EXPECT_THAT(find_btrfs().error().message, HasSubstr("dm-0"));
}

TEST_F(BtrfsTargets, WhatTheKernelDoesNotReportIsAnError) {
  fs::remove(sys() / "fs/btrfs" / test::kBtrfsUuid / "devices/sda1/dev");
  EXPECT_EQ(code_of(find_btrfs()), ErrorCode::not_found);
  fs::remove_all(sys() / "fs");
  EXPECT_EQ(code_of(find_btrfs()), ErrorCode::not_found);
  // The real question, to a folder that is on no btrfs.
  ask_ = btrfs_uuid_of;
  EXPECT_FALSE(find("1 0 0:50 / /proc rw - btrfs /dev/root rw\n"));
  EXPECT_FALSE(btrfs_uuid_of("/proc"));
  EXPECT_EQ(code_of(btrfs_uuid_of("/none")), ErrorCode::not_found);
}

TEST_F(BtrfsTargets, ASuperblockThatIsNoneIsAnError) {
  auto disk = test::btrfs_disk(1);
  EXPECT_EQ(btrfs_device_count(node()).value(), 1U);
  disk[test::kBtrfsMagic] = std::byte{0};
  make_disk(disk);
  EXPECT_EQ(code_of(btrfs_device_count(node())), ErrorCode::unsupported);
  EXPECT_EQ(code_of(find_btrfs()), ErrorCode::unsupported);
  make_disk(ByteSpan(disk).first(test::kBtrfsSuper + 0x80));
  EXPECT_EQ(code_of(btrfs_device_count(node())), ErrorCode::truncated);
  EXPECT_EQ(code_of(find_btrfs()), ErrorCode::unsupported);
}

}  // namespace
}  // namespace lifeboat
