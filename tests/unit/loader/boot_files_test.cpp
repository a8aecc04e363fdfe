// SPDX-License-Identifier: GPL-2.0-or-later
// Paths of boot loaders, by the table of mounts: subvolumes, bind mounts, partitions of their own.
#include "loader/entries/boot_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "loader/entries/boot_entry.h"
#include "src/base/file.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using testing::HasSubstr;
using Kind = BootDevice::Kind;

class BootFilesTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  void put(const std::string& name) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    write_file_atomically(path(name), as_byte_span(std::string_view("x")), 0600).value();
  }
  // A device with this UUID.
  void put_device(const std::string& name, const std::string& uuid) const {
    put("dev/" + name);
    fs::create_directories(path("dev/disk/by-uuid"));
    fs::create_symlink("../../" + name, path("dev/disk/by-uuid/" + uuid));
  }
  // Mounts `root` of the device at that folder of the machine.
  void mount(const std::string& number, const std::string& root, const std::string& point,
             const std::string& type, const std::string& device) {
    fs::create_directories(path("m" + point));
    mountinfo_ += "30 1 " + number + " " + root + " " + path(point == "/" ? "m" : "m" + point) + " rw - " +
                  type + " " + path("dev/" + device) + " rw\n";
    write_file_atomically(path("mountinfo"), as_byte_span(mountinfo_), 0600).value();
  }
  [[nodiscard]] BootFiles files(const std::string& folder = "m/boot") const {
    return {{.roots = {path("m/boot")},
             .sys = path("sys"),
             .mountinfo = path("mountinfo"),
             .disks = path("dev/disk")},
            path(folder)};
  }
  // Relative to the machine's root.
  [[nodiscard]] std::string find(const BootDevice& device, const std::string& name) const {
    const auto found = files().find(device, name);
    if (!found) return found.error().message;
    return (found->certain ? "" : "? ") + found->path.substr(path("m").size());
  }
  TempDir folder_ = TempDir::create("boot-files-test").value();
  std::string mountinfo_;
};

TEST_F(BootFilesTest, BootOnTheRootFileSystem) {
  put_device("sda1", "aaaa");
  mount("8:1", "/", "/", "ext4", "sda1");
  put("m/boot/vmlinuz");
  put("m/vmlinuz.link");
  EXPECT_EQ(find({}, "/boot/vmlinuz"), "/boot/vmlinuz");
  EXPECT_EQ(find({}, "/vmlinuz.link"), "/vmlinuz.link") << "of the root folder";
  EXPECT_EQ(find({Kind::uuid, "aaaa"}, "/boot/vmlinuz"), "/boot/vmlinuz");
  EXPECT_EQ(find({Kind::unknown, "hd0,gpt2"}, "/boot/vmlinuz"), "? /boot/vmlinuz");
  EXPECT_EQ(find({Kind::uuid, "bbbb"}, "/boot/vmlinuz"), "? /boot/vmlinuz");
}

TEST_F(BootFilesTest, BootOnAPartitionOfItsOwn) {
  put_device("sda1", "aaaa");
  put_device("sda2", "bbbb");
  mount("8:2", "/", "/", "ext4", "sda2");
  mount("8:1", "/", "/boot", "ext4", "sda1");
  put("m/boot/vmlinuz");
  EXPECT_EQ(find({}, "/vmlinuz"), "/boot/vmlinuz");
  EXPECT_EQ(find({Kind::uuid, "aaaa"}, "/vmlinuz"), "/boot/vmlinuz");
  // The root file system has a folder of that name below the mount, with other contents.
  EXPECT_THAT(find({Kind::uuid, "bbbb"}, "/boot/vmlinuz"), HasSubstr("there is no"));
  put("m/data/boot/vmlinuz");
  EXPECT_EQ(find({Kind::uuid, "bbbb"}, "/data/boot/vmlinuz"), "/data/boot/vmlinuz");
}

TEST_F(BootFilesTest, AnotherSystemsPartitionMustBeMounted) {
  put_device("sda1", "aaaa");
  put_device("sda3", "cccc");
  mount("8:1", "/", "/", "ext4", "sda1");
  put("m/boot/vmlinuz");
  EXPECT_THAT(find({Kind::uuid, "cccc"}, "/boot/vmlinuz"),
              testing::AllOf(HasSubstr("cccc"), HasSubstr("not mounted")));
  mount("8:3", "/", "/mnt", "ext4", "sda3");
  put("m/mnt/boot/vmlinuz");
  EXPECT_EQ(find({Kind::uuid, "cccc"}, "/boot/vmlinuz"), "/mnt/boot/vmlinuz");
}

TEST_F(BootFilesTest, SubvolumesOfBtrfs) {
  put_device("sda1", "aaaa");
  mount("0:30", "/root", "/", "btrfs", "sda1");
  put("m/boot/vmlinuz");
  EXPECT_EQ(find({}, "/root/boot/vmlinuz"), "/boot/vmlinuz");
  EXPECT_EQ(find({Kind::uuid, "aaaa"}, "/root/boot/vmlinuz"), "/boot/vmlinuz");
  EXPECT_EQ(find({}, "/boot/vmlinuz"), "/boot/vmlinuz") << "relative to the default subvolume";
  EXPECT_THAT(find({}, "/other/boot/vmlinuz"), HasSubstr("there is no")) << "of another system";
  mount("0:30", "/@boot", "/boot", "btrfs", "sda1");
  EXPECT_EQ(find({}, "/@boot/vmlinuz"), "/boot/vmlinuz");
}

TEST_F(BootFilesTest, BtrfsOnSeveralDevices) {
  put_device("sdb", "aaaa");
  put("dev/sda");
  mount("0:30", "/@", "/", "btrfs", "sda");
  put("m/boot/vmlinuz");
  EXPECT_THAT(find({Kind::uuid, "aaaa"}, "/@/boot/vmlinuz"), HasSubstr("not mounted"));
  put("sys/fs/btrfs/aaaa/devices/sda");
  EXPECT_EQ(find({Kind::uuid, "aaaa"}, "/@/boot/vmlinuz"), "/boot/vmlinuz");
}

TEST_F(BootFilesTest, BindMounts) {
  put_device("sda1", "aaaa");
  mount("8:1", "/", "/", "ext4", "sda1");
  mount("8:1", "/var/lib/boot", "/boot", "ext4", "sda1");
  put("m/boot/vmlinuz");
  EXPECT_EQ(find({Kind::uuid, "aaaa"}, "/var/lib/boot/vmlinuz"), "/boot/vmlinuz");
  EXPECT_EQ(find({}, "/vmlinuz"), "/boot/vmlinuz");
}

TEST_F(BootFilesTest, WithoutATableOfMounts) {
  put("m/boot/vmlinuz");
  EXPECT_EQ(find({}, "/vmlinuz"), "/boot/vmlinuz");
  EXPECT_EQ(find({}, "/boot/vmlinuz"), "/boot/vmlinuz");
  EXPECT_EQ(find({}, "/root/boot/vmlinuz"), "? /boot/vmlinuz");
  EXPECT_EQ(find({}, "\\vmlinuz"), "/boot/vmlinuz");
  EXPECT_EQ(code_of(files().find({}, "/../vmlinuz/../../secret")), ErrorCode::not_found);
  EXPECT_EQ(code_of(files().find({Kind::uuid, "../../x"}, "/none")), ErrorCode::not_found);
  EXPECT_EQ(files().locate("/none"), path("m/boot/none"));
  EXPECT_EQ(files().is_there({Kind::uuid, "x"}), std::nullopt);
  put_device("sda", "y");
  EXPECT_EQ(files().is_there({Kind::uuid, "x"}), false);
  EXPECT_EQ(files().is_there({Kind::uuid, "y"}), true);
  EXPECT_EQ(files().is_there({Kind::unknown, "hd0"}), std::nullopt);
}

TEST_F(BootFilesTest, ALabelIsNamedAsUdevDoes) {
  put("dev/sda1");
  fs::create_directories(path("dev/disk/by-label"));
  fs::create_symlink("../../sda1", path("dev/disk/by-label/my\\x20disk"));
  fs::create_directories(path("dev/disk/by-uuid"));
  mount("8:1", "/", "/", "ext4", "sda1");
  put("m/boot/vmlinuz");
  EXPECT_EQ(find({Kind::label, "my disk"}, "/boot/vmlinuz"), "/boot/vmlinuz");
  EXPECT_EQ(files().is_there({Kind::label, "other"}), false);
}

}  // namespace
}  // namespace lifeboat
