// SPDX-License-Identifier: GPL-2.0-or-later
// A machine whose root is a subvolume of a btrfs, as Fedora's, openSUSE's and some Debian's installers leave
// it.
#include <nlohmann/json.hpp>

#include "capture/initramfs/program_files.h"
#include "tests/vm/systemd/installed_system.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

// btrfs-progs with its libraries, in a folder of its own: the root has none.
constexpr const char* kPrograms = "/opt/btrfs";
std::vector<Addition> btrfs_programs() {
  std::vector<Addition> files;
  for (const char* name : {"btrfs", "mkfs.btrfs"}) {
    const auto program = find_program(name);
    if (!program) continue;  // the machine will report it
    for (const auto& file : program_files(*program).value_or(std::vector<std::string>{})) {
      const auto path = std::filesystem::canonical(file);
      const auto guest = std::filesystem::path(kPrograms) / std::filesystem::path(file).filename();
      if (std::ranges::find(files, guest, &Addition::guest) == files.end()) files.push_back({guest, path});
    }
  }
  return files;
}

class LongBtrfsRoot : public InstalledSystem {
 protected:
  // GRUB reads kernel, initramfs and configuration from the disk that it knows; the system moves to /dev/vdb.
  void move_to_btrfs(const std::string& release) {
    succeed(
        "printf '%s\\n' btrfs crc32c_generic xxhash_generic blake2b_generic >>/etc/initramfs-tools/modules");
    succeed("update-initramfs -u -k " + release);
    succeed(fmt::format("export PATH=$PATH:{}; btrfs() {{ LD_LIBRARY_PATH={} {}/btrfs \"$@\"; }}", kPrograms,
                        kPrograms, kPrograms));
    succeed(fmt::format("LD_LIBRARY_PATH={} {}/mkfs.btrfs -q /dev/vdb", kPrograms, kPrograms));
    succeed("modprobe btrfs && mount /dev/vdb /mnt && btrfs subvolume create /mnt/@");
    succeed("btrfs subvolume create /mnt/@dumps && btrfs subvolume set-default /mnt/@dumps");
    // "/." and not "/", which cp of coreutils 9.1 cannot copy into a folder.
    succeed("cp -ax /. /mnt/@ && echo '/dev/vdb / btrfs subvol=@ 0 0' >/mnt/@/etc/fstab");
    succeed(
        "sed -i 's|root=/dev/vda|root=/dev/vdb rootfstype=btrfs rootflags=subvol=@|' /boot/grub/grub.cfg");
    succeed("umount /mnt");
    ASSERT_NO_FATAL_FAILURE(restart("systemctl reboot"));
    ASSERT_EQ(succeed("findmnt -rno FSTYPE,FSROOT /"), "btrfs /@\n");
  }
};

TEST_F(LongBtrfsRoot, is_protected) {
  auto root = DebianRoot::open(cache() / "debian-12");
  ASSERT_OK(root);
  const std::string release = root->releases.back();
  ASSERT_NO_FATAL_FAILURE(
      boot("debian-12", reserved_grub(release), btrfs_programs(), {{.folder = {}, .size = "4G"}}));
  type("install");
  ASSERT_NO_FATAL_FAILURE(move_to_btrfs(release));
  expect_armed();
  const std::string check = succeed("lifeboat check");
  EXPECT_THAT(check, HasSubstr("/@/var/crash/lifeboat on /dev/vdb (btrfs"));
  ASSERT_NO_FATAL_FAILURE(crash("sync; echo c >/proc/sysrq-trigger"));
  expect_armed();
  const Json first = Json::parse(succeed("lifeboat list --json"), nullptr, false);
  ASSERT_EQ(first.size(), 1U) << first;
  expect_whole_and_collected(first[0]);
  succeed("lifeboat verify /var/crash/lifeboat/*/vmcore && lifeboat inspect /var/crash/lifeboat/*/vmcore");

  // In a subvolume that is mounted nowhere, while another one of the same file system is.
  succeed(
      "printf '[target]\\ndevice = UUID=%s\\npath = /@dumps/crash\\n' $(findmnt -no UUID /) "
      ">/etc/lifeboat.conf.d/target.conf && systemctl reload lifeboat-load");
  EXPECT_THAT(succeed("lifeboat check || test $? = 3"), HasSubstr("/@dumps/crash on /dev/vdb (btrfs"));
  ASSERT_NO_FATAL_FAILURE(crash("sync; echo c >/proc/sysrq-trigger"));
  const Json second = Json::parse(succeed("lifeboat list --json"), nullptr, false);
  ASSERT_EQ(second.size(), 1U) << second;
  expect_whole_and_collected(second[0]);
  EXPECT_THAT(second[0]["folder"].get<std::string>(), HasSubstr("/@dumps/crash/2"));
  EXPECT_THAT(succeed("cat /proc/mounts"), Not(HasSubstr("@dumps")));
  // The notice's own words lead there.
  succeed(
      "grep -o 'mount -o subvolid=5 UUID=[^;]*; lifeboat inspect /mnt/@dumps/crash/.*' "
      "/run/motd.d/lifeboat >/root/words && . /root/words");
  succeed("lifeboat verify /mnt/@dumps/crash/*/vmcore && umount /mnt");
}

}  // namespace
}  // namespace lifeboat::test
