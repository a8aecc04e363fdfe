// SPDX-License-Identifier: GPL-2.0-or-later
// A machine that is moved from GRUB to EFI firmware, systemd-boot and kernel-install: the reservation goes
// into the boot entries, and kernel-install keeps the capture initramfs in step.
#include "tests/vm/systemd/installed_system.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LongSystemdBoot : public InstalledSystem {
 protected:
  void boot() {
    auto root = DebianRoot::open(cache() / "debian-12");
    ASSERT_OK(root);
    older_ = root->releases.front();
    newer_ = root->releases.back();
    std::vector<Addition> packages;
    for (const char* name : {"systemd-boot", "dosfstools", "fdisk"}) {
      const auto files = files_below(root->packages(name), "/root/boot");
      ASSERT_FALSE(files.empty()) << root->packages(name);
      packages.insert(packages.end(), files.begin(), files.end());
    }
    InstalledSystem::boot("debian-12", {}, packages, {{.folder = "", .size = "512M"}});
  }
  // As somebody does it who wants no GRUB; the package of systemd-boot registers the kernels that are there.
  void move_to_systemd_boot() {
    succeed("cat /proc/cmdline | sed 's/BOOT_IMAGE=[^ ]* //' >/etc/kernel/cmdline");
    succeed("dpkg -i /root/boot/fdisk_* /root/boot/lib* /root/boot/readline* /root/boot/dosfstools_*");
    succeed("printf 'label: gpt\\ntype=uefi\\n' | sfdisk /dev/vdb && udevadm settle && mkfs.vfat /dev/vdb1");
    succeed(
        "mkdir /efi && echo '/dev/vdb1 /efi vfat defaults 0 2' >>/etc/fstab && systemctl daemon-reload && "
        "mount /efi");
    succeed("dpkg -i /root/boot/systemd-boot*");
    succeed("apt-get -y purge grub2-common grub-pc-bin grub-common; rm -rf /boot/grub /etc/default/grub*");
    succeed("ls /efi/EFI/systemd/systemd-bootx64.efi /efi/loader/entries/*" + newer_ + ".conf");
  }
  void restart_by_efi() {
    ASSERT_OK(guest_->run_to_the_end("systemctl poweroff"));
    auto guest = SystemGuest::boot_by_efi(disks_, folder_);
    ASSERT_OK(guest);
    guest_.emplace(*std::move(guest));
    run("cd /root");
  }
  bool has_initramfs(const std::string& release) {
    return run(fmt::format("ls /var/lib/lifeboat/initramfs-{0}.img /var/lib/lifeboat/initramfs-{0}.recipe",
                           release))
               .status == 0;
  }
  std::string older_, newer_;
};

TEST_F(LongSystemdBoot, gets_the_reservation_and_reports_it) {
  ASSERT_NO_FATAL_FAILURE(boot());
  ASSERT_NO_FATAL_FAILURE(move_to_systemd_boot());
  type("install");
  const std::string sums =
      "sha256sum /efi/loader/entries/* /etc/kernel/cmdline; stat -c '%a %U' /etc/kernel/cmdline";
  const std::string before = succeed(sums);

  const std::string diff = succeed("lifeboat reserve set 256M --dry-run");
  for (const auto& file : {"/etc/kernel/cmdline", "/efi/loader/entries/"})
    EXPECT_THAT(diff, HasSubstr(std::string("+++ ") + file));
  EXPECT_EQ(succeed(sums), before);
  succeed("lifeboat reserve set 256M");
  EXPECT_EQ(succeed("grep -L crashkernel=256M /efi/loader/entries/* /etc/kernel/cmdline; true"), "");
  EXPECT_THAT(succeed("lifeboat reserve set 256M"), HasSubstr("nothing to change"));
  succeed("lifeboat reserve set none");
  EXPECT_EQ(succeed(sums), before);
  succeed("lifeboat reserve set 256M");

  // kernel-install, with the arguments that it gives itself; an entry of a later kernel has the reservation
  // too.
  succeed("kernel-install remove " + older_);
  succeed("kernel-install add " + older_ + " /boot/vmlinuz-" + older_);
  EXPECT_TRUE(has_initramfs(older_));
  EXPECT_THAT(succeed("cat /efi/loader/entries/*-" + older_ + ".conf"), HasSubstr("crashkernel=256M"));
  succeed("kernel-install remove " + older_);
  EXPECT_FALSE(has_initramfs(older_));

  ASSERT_NO_FATAL_FAILURE(restart_by_efi());
  EXPECT_EQ(run("uname -r").text, newer_ + "\n");
  succeed("[ -d /sys/firmware/efi ]");
  EXPECT_THAT(succeed("cat /proc/cmdline"), HasSubstr("crashkernel=256M"));
  expect_armed();
  succeed("kernel-install add " + newer_ + " /boot/vmlinuz-" + newer_);
  EXPECT_THAT(succeed("lifeboat check"), Not(HasSubstr("fix: lifeboat load")));
  ASSERT_NO_FATAL_FAILURE(crash("sync; echo c >/proc/sysrq-trigger"));
  expect_armed();
  succeed("lifeboat verify /var/crash/lifeboat/*/vmcore");
}

}  // namespace
}  // namespace lifeboat::test
