// SPDX-License-Identifier: GPL-2.0-or-later
// Each boot loader's own files, and the tool without which a change has no effect.
#include <gmock/gmock.h>

#include <algorithm>

#include "src/reservation/reserve_record.h"
#include "tests/support/results.h"
#include "tests/unit/reservation/boot_root.h"

namespace lifeboat::reservation {
namespace {

using test::code_of;
using test::why;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class LoaderPlans : public BootRoot {
 protected:
  // Sets a value by `loader`, then checks what remains, that a second time changes nothing but asks again for
  // what was not done, and that it is unfinished until then.
  void expect_remains(BootLoader loader, const std::string& remains) const {
    const auto setting = set("256M");
    ASSERT_TRUE(setting) << why(setting);
    EXPECT_THAT(setting->boot_loaders, ElementsAre(loader));
    EXPECT_THAT(setting->remains, ElementsAre(remains));
    EXPECT_THAT(setting->commands, IsEmpty()) << "nothing runs in another system";
    const auto again = set("256M");
    ASSERT_TRUE(again) << why(again);
    EXPECT_EQ(again->diff(), "");
    EXPECT_THAT(again->remains, ElementsAre(remains));
    EXPECT_EQ(unfinished_value(root()), "256M");
    const auto next = next_boot(root(), "ro");
    ASSERT_TRUE(next);
    EXPECT_FALSE(next->complete);
    EXPECT_THAT(next->remains, ElementsAre(remains));
  }
  // The same where the boot loader reads the files itself.
  void expect_complete(BootLoader loader) const {
    const auto setting = set("256M");
    ASSERT_TRUE(setting) << why(setting);
    EXPECT_THAT(setting->boot_loaders, ElementsAre(loader));
    EXPECT_THAT(setting->remains, IsEmpty());
    const auto again = set("256M");
    ASSERT_TRUE(again) << why(again);
    EXPECT_THAT(again->edits, IsEmpty());
    EXPECT_EQ(unfinished_value(root()), std::nullopt);
    const auto next = next_boot(root(), "ro");
    ASSERT_TRUE(next);
    EXPECT_TRUE(next->complete);
    EXPECT_EQ(next->value, "256M");
    EXPECT_EQ(next_boot(root(), "ro crashkernel=256M"), std::nullopt);
  }
  // What `set none` leaves.
  void expect_removed(const std::string& file, const std::string& before) const {
    const auto none = set("");
    ASSERT_TRUE(none) << why(none);
    EXPECT_EQ(text(file), before);
  }
  void debian() const {
    put("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n");
    put("usr/sbin/grub-mkconfig", "for x in ${sysconfdir}/default/grub.d/*.cfg ; do\n");
    put("boot/grub/grub.cfg", "linux /vmlinuz-6.1 ro\n");
  }
};

// --- tools

TEST_F(LoaderPlans, ProxmoxBootTool) {
  debian();
  put("etc/kernel/cmdline", "root=ZFS=rpool/ROOT/pve-1 boot=zfs\n");
  put("etc/kernel/proxmox-boot-uuids", "A1B2-C3D4\nE5F6-0718\n");
  expect_remains(BootLoader::proxmox, "proxmox-boot-tool refresh");
  EXPECT_EQ(text("etc/kernel/cmdline"), "root=ZFS=rpool/ROOT/pve-1 boot=zfs crashkernel=256M\n");
  // Partitions with GRUB are made from it.
  EXPECT_THAT(text("etc/default/grub.d/lifeboat.cfg"), HasSubstr("crashkernel=256M"));
  const auto none = set("");
  ASSERT_TRUE(none) << why(none);
  EXPECT_THAT(none->remains, ElementsAre("proxmox-boot-tool refresh"));
  EXPECT_EQ(text("etc/kernel/cmdline"), "root=ZFS=rpool/ROOT/pve-1 boot=zfs\n");
  EXPECT_EQ(text("etc/default/grub.d/lifeboat.cfg"), "(none)");
  EXPECT_EQ(remembered_value(root()), std::nullopt);
}

TEST_F(LoaderPlans, AnEmptyListOfProxmoxIsNone) {
  debian();
  put("etc/kernel/proxmox-boot-uuids", "\n");
  EXPECT_EQ(find_boot_loader(root()).value(), BootLoader::grub);
}

TEST_F(LoaderPlans, ACommandLineInSeveralLinesThatOneProgramReadsIsRefused) {
  put("etc/kernel/cmdline", "root=x\nboot=zfs\n");
  put("etc/kernel/proxmox-boot-uuids", "A1B2-C3D4\n");
  EXPECT_EQ(code_of(set("256M")), ErrorCode::corrupt);
}

TEST_F(LoaderPlans, WhatRunsMakesAPendingToolFinished) {
  put("etc/kernel/cmdline", "root=x\n");
  put("etc/kernel/proxmox-boot-uuids", "A1B2-C3D4\n");
  ASSERT_TRUE(set("256M"));
  EXPECT_EQ(next_boot(root(), "root=x crashkernel=256M"), std::nullopt);
  EXPECT_TRUE(next_boot(root(), "root=x crashkernel=128M"));
}

TEST_F(LoaderPlans, Kernelstub) {
  put("usr/bin/kernelstub", "");
  put("etc/kernelstub/configuration", R"({"user": {"kernel_options": ["quiet", "splash"]}})");
  put("boot/efi/loader/entries/Pop_OS-current.conf", "linux /vmlinuz\noptions root=x quiet\n");
  expect_remains(BootLoader::kernelstub, "kernelstub --add-options crashkernel=256M");
  EXPECT_EQ(text("boot/efi/loader/entries/Pop_OS-current.conf"), "linux /vmlinuz\noptions root=x quiet\n");
  put("etc/kernelstub/configuration", R"({"user": {"kernel_options": ["quiet", "crashkernel=256M"]}})");
  EXPECT_EQ(unfinished_value(root()), std::nullopt);
  const auto other = set("512M");
  ASSERT_TRUE(other) << why(other);
  EXPECT_THAT(other->remains, ElementsAre("kernelstub --delete-options crashkernel=256M",
                                          "kernelstub --add-options crashkernel=512M"));
  const auto none = set("");
  ASSERT_TRUE(none) << why(none);
  EXPECT_THAT(none->remains, ElementsAre("kernelstub --delete-options crashkernel=256M"));
}

TEST_F(LoaderPlans, KernelstubWithAnothersParameter) {
  put("usr/bin/kernelstub", "");
  put("etc/kernelstub/configuration", R"({"user": {"kernel_options": ["crashkernel=1G"]}})");
  EXPECT_EQ(code_of(set("256M")), ErrorCode::busy);
  const auto forced = set("256M", Foreign::overruled);
  ASSERT_TRUE(forced) << why(forced);
  EXPECT_THAT(forced->remains, ElementsAre("kernelstub --delete-options crashkernel=1G",
                                           "kernelstub --add-options crashkernel=256M"));
  put("etc/kernelstub/configuration", R"({"user": {"kernel_options": ["crashkernel=256M"]}})");
  const auto none = set("");
  ASSERT_TRUE(none) << why(none);
  EXPECT_THAT(none->remains, ElementsAre("kernelstub --delete-options crashkernel=256M",
                                         "kernelstub --add-options crashkernel=1G"));
  for (const char* broken : {"", "{", "[]", R"({"user": {"kernel_options": [1]}})"}) {
    put("etc/kernelstub/configuration", broken);
    EXPECT_TRUE(set("256M")) << broken;
  }
}

TEST_F(LoaderPlans, RpmOstree) {
  put("ostree/repo/config", "");
  put("sysroot/.keep", "");
  put("boot/ostree/x", "");
  put("boot/grub2/grub.cfg", "blscfg\n");
  const std::string old = "version 1\nlinux /v\noptions root=x ostree=/a crashkernel=1G\n";
  put("boot/loader/entries/ostree-1.conf", old);
  put("boot/loader/entries/ostree-2.conf", "version 2\nlinux /v\noptions root=x ostree=/b\n");
  expect_remains(BootLoader::ostree, "rpm-ostree kargs --append-if-missing=crashkernel=256M");
  EXPECT_EQ(text("boot/loader/entries/ostree-1.conf"), old);
  EXPECT_EQ(text("boot/loader/entries/ostree-2.conf"), "version 2\nlinux /v\noptions root=x ostree=/b\n");
  put("boot/loader/entries/ostree-3.conf", "version 3\nlinux /v\noptions ostree=/c crashkernel=256M\n");
  EXPECT_EQ(unfinished_value(root()), std::nullopt);
  EXPECT_THAT(set("256M")->remains, IsEmpty());
  EXPECT_THAT(set("1G,high 64M,low")->remains,
              ElementsAre("rpm-ostree kargs --delete-if-present=crashkernel=256M "
                          "--append-if-missing=crashkernel=1G,high --append-if-missing=crashkernel=64M,low"));
}

TEST_F(LoaderPlans, Sdbootutil) {
  put("usr/bin/sdbootutil", "");
  put("boot/efi/EFI/systemd/systemd-bootx64.efi", "");
  put("boot/efi/loader/entries/opensuse-6.conf", "linux /v\noptions root=x\n");
  put("etc/kernel/cmdline", "root=x\n");
  expect_remains(BootLoader::sdbootutil, "sdbootutil update-all-entries");
  EXPECT_EQ(text("boot/efi/loader/entries/opensuse-6.conf"), "linux /v\noptions root=x\n");
  put("boot/efi/loader/entries/opensuse-6.conf", "linux /v\noptions root=x crashkernel=256M\n");
  EXPECT_EQ(unfinished_value(root()), std::nullopt);
  std::filesystem::remove(path("etc/kernel/cmdline"));
  // A file with the parameter alone would leave the machine without root=.
  EXPECT_EQ(code_of(set("128M")), ErrorCode::not_found);
}

TEST_F(LoaderPlans, TransactionalUpdate) {
  put("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n");
  put("usr/sbin/grub2-mkconfig", "");
  put("usr/sbin/transactional-update", "");
  put("boot/grub2/grub.cfg", "linux /vmlinuz ro\n");
  const auto setting = set("256M");
  ASSERT_TRUE(setting) << why(setting);
  EXPECT_THAT(setting->remains, ElementsAre("transactional-update grub.cfg"));
}

TEST_F(LoaderPlans, GrubOfSuse) {
  put("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n");
  put("usr/sbin/grub2-mkconfig", "");
  put("boot/grub2/grub.cfg", "linux /vmlinuz ro\n");
  const auto setting = set("256M");
  ASSERT_TRUE(setting) << why(setting);
  EXPECT_THAT(setting->remains, ElementsAre("grub2-mkconfig -o /boot/grub2/grub.cfg"));
  EXPECT_EQ(next_boot(root(), "")->complete, false);
}

// --- unified kernel images

TEST_F(LoaderPlans, UnifiedImagesOfMkinitcpio) {
  put("efi/EFI/Linux/arch-linux.efi", "MZ...root=x rw\0...");
  put("etc/kernel/cmdline", "root=x rw\n");
  put("etc/mkinitcpio.d/linux.preset", "#default_image=x\ndefault_uki=\"/efi/EFI/Linux/arch-linux.efi\"\n");
  expect_remains(BootLoader::unified, "mkinitcpio -P");
  put("efi/EFI/Linux/arch-linux.efi", "MZ...root=x rw crashkernel=256M\n...");
  EXPECT_EQ(unfinished_value(root()), std::nullopt);
  EXPECT_THAT(set("256M")->remains, IsEmpty());
  // Another size that begins in the same way.
  put("efi/EFI/Linux/arch-linux.efi", "MZ...root=x rw crashkernel=256M,high");
  EXPECT_EQ(unfinished_value(root()), "256M");
  expect_removed("etc/kernel/cmdline", "root=x rw\n");
}

TEST_F(LoaderPlans, UnifiedImagesWithDropIns) {
  put("efi/EFI/Linux/arch-linux.efi", "MZ");
  put("etc/cmdline.d/root.conf", "root=x\n");
  put("etc/mkinitcpio.d/linux.preset", "#default_uki=\"x\"\n");
  const auto setting = set("1G,high 64M,low");
  ASSERT_TRUE(setting) << why(setting);
  EXPECT_EQ(text("etc/cmdline.d/lifeboat.conf"), "crashkernel=1G,high crashkernel=64M,low\n");
  EXPECT_THAT(setting->remains, ElementsAre(HasSubstr("rebuild them")));
  expect_removed("etc/cmdline.d/lifeboat.conf", "(none)");
}

TEST_F(LoaderPlans, UnifiedImagesWithoutACommandLineFile) {
  put("efi/EFI/Linux/arch-linux.efi", "MZ");
  EXPECT_EQ(code_of(set("256M")), ErrorCode::not_found);
}

TEST_F(LoaderPlans, AnImageBesideEntriesHasToBeRebuilt) {
  put("boot/EFI/systemd/systemd-bootx64.efi", "");
  put("boot/loader/entries/a.conf", "linux /v\noptions ro\n");
  put("boot/EFI/Linux/x.efi", "MZ");
  put("etc/kernel/cmdline", "ro\n");
  const auto setting = set("256M");
  ASSERT_TRUE(setting) << why(setting);
  EXPECT_THAT(setting->remains, ElementsAre(HasSubstr("x.efi contains its command line")));
  put("boot/EFI/Linux/x.efi", "MZ ro crashkernel=256M");
  EXPECT_THAT(set("256M")->remains, IsEmpty());
}

// --- files that are made from a setting

TEST_F(LoaderPlans, ExtlinuxOfAlpine) {
  const std::string settings = "overwrite=1\ndefault_kernel_opts=\"quiet rootfstype=ext4\"\nmodules=ext4\n";
  put("etc/update-extlinux.conf", settings);
  put("sbin/update-extlinux", "");
  put("boot/extlinux.conf", "LABEL lts\n  LINUX vmlinuz-lts\n  APPEND root=x quiet\n");
  expect_remains(BootLoader::extlinux, "update-extlinux");
  EXPECT_THAT(text("etc/update-extlinux.conf"), HasSubstr("\"quiet rootfstype=ext4 crashkernel=256M\"\n"));
  EXPECT_THAT(text("boot/extlinux.conf"), Not(HasSubstr("crashkernel")));
  put("boot/extlinux.conf", "LABEL lts\n  LINUX vmlinuz-lts\n  APPEND root=x quiet crashkernel=256M\n");
  EXPECT_EQ(unfinished_value(root()), std::nullopt);
  EXPECT_THAT(set("256M")->remains, IsEmpty());
  expect_removed("etc/update-extlinux.conf", settings);
}

TEST_F(LoaderPlans, ASettingWithoutQuotesGetsThem) {
  put("etc/update-extlinux.conf", "default_kernel_opts=quiet\n");
  put("sbin/update-extlinux", "");
  ASSERT_TRUE(set("256M"));
  EXPECT_EQ(text("etc/update-extlinux.conf"), "default_kernel_opts=\"quiet crashkernel=256M\"\n");
}

TEST_F(LoaderPlans, ASettingThatIsNotThereIsNotInvented) {
  put("etc/default/u-boot", "#U_BOOT_PARAMETERS=\"ro quiet\"\n");
  put("usr/sbin/u-boot-update", "");
  const auto setting = set("256M");
  EXPECT_EQ(code_of(setting), ErrorCode::not_found);
  EXPECT_THAT(why(setting), HasSubstr("U_BOOT_PARAMETERS"));
}

TEST_F(LoaderPlans, MenuOfUBoot) {
  put("etc/default/u-boot", "U_BOOT_PARAMETERS=\"$(cat /etc/kernel/cmdline)\"\n");
  put("usr/sbin/u-boot-update", "");
  put("boot/extlinux/extlinux.conf", "label l0\n\tlinux /vmlinuz\n\tappend root=x ro\n");
  expect_remains(BootLoader::extlinux, "u-boot-update");
  EXPECT_EQ(text("etc/default/u-boot"),
            "U_BOOT_PARAMETERS=\"$(cat /etc/kernel/cmdline) crashkernel=256M\"\n");
}

TEST_F(LoaderPlans, ExtlinuxByHand) {
  const std::string menu =
      "label l0\n\tlinux /vmlinuz\n\tappend root=x ro\nlabel l1\n\tkernel /v2\n\tappend root=x\n";
  put("boot/extlinux/extlinux.conf", menu);
  expect_complete(BootLoader::extlinux);
  EXPECT_EQ(text("boot/extlinux/extlinux.conf"),
            "label l0\n\tlinux /vmlinuz\n\tappend root=x ro crashkernel=256M\nlabel l1\n\tkernel "
            "/v2\n\tappend root=x "
            "crashkernel=256M\n");
  expect_removed("boot/extlinux/extlinux.conf", menu);
}

TEST_F(LoaderPlans, EachLabelGetsBackWhatWasReplaced) {
  put("boot/syslinux/syslinux.cfg",
      "LABEL a\nLINUX v\nAPPEND crashkernel=1G ro\nLABEL b\nLINUX v\nAPPEND crashkernel=2G\n");
  EXPECT_EQ(code_of(set("256M")), ErrorCode::busy);
  ASSERT_TRUE(set("256M", Foreign::overruled));
  EXPECT_THAT(text("boot/syslinux/syslinux.cfg"), Not(HasSubstr("crashkernel=1G")));
  expect_removed("boot/syslinux/syslinux.cfg",
                 "LABEL a\nLINUX v\nAPPEND ro crashkernel=1G\nLABEL b\nLINUX v\nAPPEND crashkernel=2G\n");
}

TEST_F(LoaderPlans, RaspberryPi) {
  put("boot/firmware/config.txt", "");
  put("boot/firmware/cmdline.txt", "console=tty1 root=PARTUUID=1-02 rootwait\n");
  put("boot/config.txt", "");
  put("boot/cmdline.txt", "DO NOT EDIT THIS FILE\n\nThe file you are looking for has moved\n");
  expect_complete(BootLoader::raspberry_pi);
  EXPECT_EQ(text("boot/firmware/cmdline.txt"), "console=tty1 root=PARTUUID=1-02 rootwait crashkernel=256M\n");
  EXPECT_THAT(text("boot/cmdline.txt"), Not(HasSubstr("crashkernel")));
  expect_removed("boot/firmware/cmdline.txt", "console=tty1 root=PARTUUID=1-02 rootwait\n");
}

TEST_F(LoaderPlans, RaspberryPiWithAnotherFile) {
  put("boot/firmware/cmdline.txt", "root=old\n");
  put("boot/firmware/other.txt", "root=x\n");
  for (const char* config :
       {"cmdline=other.txt\n", "[all]\r\ncmdline=other.txt\r\n",
        "cmdline=x.txt\n[pi4]\narm_boost=1\n[all]\ncmdline=other.txt",
        "[pi4]\ncmdline=x.txt\n[all]\ncmdline=other.txt\n",
        "[none]\ncmdline=x.txt\n[all]\ncmdline=other.txt\n",
        "cmdline=other.txt\n[tryboot]\ncmdline=x.txt\nos_prefix=new/\n",
        "cmdline=other.txt\n[pi5]\ncmdline=other.txt\n", "cmdline=other.txt\n#cmdline=x.txt\n",
        "cmdline=other.txt\nCMDLINE=x.txt\n", "kernel = x\ncmdline=other.txt\n"}) {
    put("boot/firmware/config.txt", config);
    const auto setting = set("256M");
    ASSERT_TRUE(setting) << why(setting) << config;
    EXPECT_EQ(text("boot/firmware/other.txt"), "root=x crashkernel=256M\n") << config;
    EXPECT_EQ(text("boot/firmware/cmdline.txt"), "root=old\n");
    expect_removed("boot/firmware/other.txt", "root=x\n");
  }
}

TEST_F(LoaderPlans, RaspberryPiWithAnIncludedFile) {
  put("boot/firmware/cmdline.txt", "root=old\n");
  put("boot/firmware/sub/other.txt", "root=x\n");
  put("boot/firmware/config.txt", "include more.txt\ninclude missing.txt\n");
  put("boot/firmware/more.txt", "cmdline=sub/other.txt\n");
  ASSERT_TRUE(set("256M"));
  EXPECT_EQ(text("boot/firmware/sub/other.txt"), "root=x crashkernel=256M\n");
  expect_removed("boot/firmware/sub/other.txt", "root=x\n");
  // In circles; for some boards only; outside.
  for (const char* more : {"include more.txt\n", "[pi4]\ncmdline=sub/other.txt\n", "include ../../etc/x\n"}) {
    put("boot/firmware/more.txt", more);
    EXPECT_EQ(code_of(set("256M")), ErrorCode::unsupported) << more;
  }
  put("boot/firmware/config.txt", "[pi4]\ninclude more.txt\n");
  put("boot/firmware/more.txt", "[all]\ncmdline=sub/other.txt\n");
  EXPECT_EQ(code_of(set("256M")), ErrorCode::unsupported);
  // A section goes on behind the included file.
  put("boot/firmware/config.txt", "include more.txt\ncmdline=sub/other.txt\n");
  put("boot/firmware/more.txt", "[pi4]\narm_boost=1\n");
  EXPECT_EQ(code_of(set("256M")), ErrorCode::unsupported);
}

TEST_F(LoaderPlans, RaspberryPiWithAPrefix) {
  put("boot/firmware/cmdline.txt", "root=old\n");
  put("boot/firmware/new/cmdline.txt", "root=x\n");
  put("boot/firmware/config.txt", "os_prefix=new/\n");
  EXPECT_EQ(code_of(set("256M")), ErrorCode::unsupported) << "the firmware ignores it: it has no kernel";
  put("boot/firmware/new/kernel8.img", "");
  EXPECT_EQ(code_of(set("256M")), ErrorCode::unsupported) << "no device tree";
  put("boot/firmware/new/bcm2711-rpi-4-b.dtb", "");
  ASSERT_TRUE(set("256M"));
  EXPECT_EQ(text("boot/firmware/new/cmdline.txt"), "root=x crashkernel=256M\n");
  EXPECT_EQ(text("boot/firmware/cmdline.txt"), "root=old\n");
  expect_removed("boot/firmware/new/cmdline.txt", "root=x\n");
  put("boot/firmware/config.txt", "kernel=vmlinuz\nos_prefix=new/\n");
  EXPECT_EQ(code_of(set("256M")), ErrorCode::unsupported) << "not that kernel";
  put("boot/firmware/new/vmlinuz", "");
  ASSERT_TRUE(set("256M"));
  expect_removed("boot/firmware/new/cmdline.txt", "root=x\n");
  put("boot/firmware/test-kernel8.img", "");
  put("boot/firmware/test-a.dtb", "");
  put("boot/firmware/test-cmdline.txt", "root=y\n");
  put("boot/firmware/config.txt", "os_prefix=test-\n");
  ASSERT_TRUE(set("256M"));
  EXPECT_EQ(text("boot/firmware/test-cmdline.txt"), "root=y crashkernel=256M\n");
}

TEST_F(LoaderPlans, RaspberryPiWhoseFileDependsOnTheBoard) {
  put("boot/firmware/cmdline.txt", "root=x\n");
  put("boot/firmware/pi4.txt", "root=y\n");
  put("etc/x", "root=z\n");
  for (const char* config :
       {"[pi4]\ncmdline=pi4.txt\n", "[0x10000000]\ncmdline=pi4.txt\n", "[gpio4=1]\nos_prefix=new/\n",
        "[pi4]\n[none]\n[gpio4=1]\ncmdline=pi4.txt\n", "cmdline=missing.txt\n", "cmdline=../../etc/x\n",
        "cmdline=/etc/x\n", "cmdline=\n", "cmdline = pi4.txt\n", "cmdline=pi4.txt # mine\n",
        " cmdline=pi4.txt\n", "cmdline=\"pi4.txt\"\n", "cmdline=pi4.txt \n"}) {
    put("boot/firmware/config.txt", config);
    const auto refused = set("256M", Foreign::overruled);
    EXPECT_EQ(code_of(refused), ErrorCode::unsupported) << config;
    EXPECT_THAT(why(refused), HasSubstr("config.txt")) << config;
    EXPECT_EQ(text("boot/firmware/cmdline.txt"), "root=x\n");
    EXPECT_EQ(text("boot/firmware/pi4.txt"), "root=y\n");
    EXPECT_EQ(text("etc/x"), "root=z\n");
  }
  put("boot/firmware/config.txt", "cmdline=pi4.txt" + std::string(90, '4') + "\n");
  EXPECT_EQ(code_of(set("256M")), ErrorCode::unsupported) << "the firmware does not read all of it";
}

// A setting of the time before config.txt was changed.
TEST_F(LoaderPlans, RaspberryPiIsRemovedFromTheEarlierFile) {
  put("boot/firmware/cmdline.txt", "root=x\n");
  put("boot/firmware/pi4.txt", "root=y\n");
  put("boot/firmware/config.txt", "");
  for (const char* config : {"cmdline=pi4.txt\n", "[pi4]\ncmdline=pi4.txt\n"}) {
    put("boot/firmware/config.txt", "");
    ASSERT_TRUE(set("256M"));
    put("boot/firmware/config.txt", config);
    expect_removed("boot/firmware/cmdline.txt", "root=x\n");
  }
}

TEST_F(LoaderPlans, RaspberryPiOfDebian) {
  put("boot/firmware/config.txt", "");
  put("boot/firmware/cmdline.txt", "root=x\n");
  put("etc/default/raspi-firmware", "");
  expect_complete(BootLoader::raspberry_pi);
  EXPECT_EQ(text("etc/default/raspi-extra-cmdline"), "crashkernel=256M\n");
  put("boot/firmware/cmdline.txt", "root=x\nrootwait\n");
  EXPECT_EQ(code_of(set("128M")), ErrorCode::corrupt);
}

TEST_F(LoaderPlans, FlashKernel) {
  put("usr/sbin/flash-kernel", "");
  put("etc/default/flash-kernel", "LINUX_KERNEL_CMDLINE=\"quiet splash\"\n");
  expect_remains(BootLoader::flash_kernel, "flash-kernel");
  expect_removed("etc/default/flash-kernel", "LINUX_KERNEL_CMDLINE=\"quiet splash\"\n");
}

TEST_F(LoaderPlans, ZiplByItsFile) {
  put("etc/zipl.conf", "[debian]\ntarget=/boot\nparameters=\"root=/dev/dasda1 ro\"\n");
  expect_remains(BootLoader::zipl, "zipl");
  EXPECT_THAT(text("etc/zipl.conf"), HasSubstr("parameters=\"root=/dev/dasda1 ro crashkernel=256M\"\n"));
}

TEST_F(LoaderPlans, ZiplByEntries) {
  put("etc/zipl.conf", "[defaultboot]\ndefaultauto\n");
  put("usr/sbin/zipl", "");
  put("boot/loader/entries/a.conf", "linux /v\noptions root=x\n");
  expect_remains(BootLoader::bls, "zipl");
  EXPECT_EQ(text("boot/loader/entries/a.conf"), "linux /v\noptions root=x crashkernel=256M\n");
}

TEST_F(LoaderPlans, Refind) {
  put("boot/refind_linux.conf", "\"Boot\"  \"root=x ro\"\n\"Single\" \"root=x single\"\n");
  expect_complete(BootLoader::refind);
  EXPECT_EQ(text("boot/refind_linux.conf"),
            "\"Boot\"  \"root=x ro crashkernel=256M\"\n\"Single\" \"root=x single crashkernel=256M\"\n");
  expect_removed("boot/refind_linux.conf", "\"Boot\"  \"root=x ro\"\n\"Single\" \"root=x single\"\n");
}

TEST_F(LoaderPlans, LimineByItsFileAndByATool) {
  put("boot/limine.conf", "/Arch\n  protocol: linux\n  cmdline: root=x\n");
  expect_complete(BootLoader::limine);
  EXPECT_EQ(text("boot/limine.conf"), "/Arch\n  protocol: linux\n  cmdline: root=x crashkernel=256M\n");
  expect_removed("boot/limine.conf", "/Arch\n  protocol: linux\n  cmdline: root=x\n");
  put("usr/bin/limine-update", "");
  put("etc/default/limine", "KERNEL_CMDLINE[default]+=\"root=x quiet\"\n");
  expect_remains(BootLoader::limine, "limine-update");
  EXPECT_EQ(text("etc/default/limine"), "KERNEL_CMDLINE[default]+=\"root=x quiet crashkernel=256M\"\n");
  EXPECT_EQ(text("boot/limine.conf"), "/Arch\n  protocol: linux\n  cmdline: root=x\n");
}

TEST_F(LoaderPlans, FilesThatAreNotAsExpectedAreErrors) {
  put("etc/update-extlinux.conf", "default_kernel_opts=\"quiet\n");
  put("sbin/update-extlinux", "");
  EXPECT_EQ(code_of(set("256M")), ErrorCode::corrupt);
  for (const auto loader :
       {BootLoader::zipl, BootLoader::refind, BootLoader::limine, BootLoader::raspberry_pi,
        BootLoader::flash_kernel, BootLoader::proxmox, BootLoader::unified}) {
    const auto setting = plan_setting({.root = root(), .boot_loader = loader, .value = "256M"});
    EXPECT_EQ(code_of(setting), ErrorCode::not_found) << boot_loader_name(loader);
  }
}

// --- the record

TEST(ReserveRecords, AreReadAndWritten) {
  ReserveRecord record{.boot_loader = "zipl",
                       .values = {"1M"},
                       .replaced = {{"f", {"crashkernel=2M"}}},
                       .pending = {"zipl"},
                       .removed = true};
  EXPECT_EQ(parse_record(record_text(record)), record);
  // Of an earlier version.
  EXPECT_EQ(parse_record(R"({"values": ["1M"], "replaced": {}})").values, std::vector<std::string>{"1M"});
  for (const char* text : {"", "{", "[]", R"({"values": 1, "replaced": {}})",
                           R"({"values": [], "replaced": {}, "pending": "x"})"})
    EXPECT_EQ(parse_record(text), ReserveRecord()) << text;
  EXPECT_EQ(parse_record(std::nullopt), ReserveRecord());
}

// --- commands

TEST_F(LoaderPlans, TheRecordForgetsACommandOnceItHasRun) {
  put("etc/zipl.conf", "[debian]\nparameters=\"ro\"\n");
  auto setting = plan_setting({.root = root(), .value = "256M"});
  ASSERT_TRUE(setting) << why(setting);
  auto plan = plan_boot_loader(BootLoader::zipl, root(), "256M");
  ASSERT_TRUE(plan && plan->record_done);
  setting->remains.clear();
  setting->commands = {{"/bin/true"}};
  setting->afterwards = {*plan->record_done};
  const auto done = carry_out(*setting);
  ASSERT_TRUE(done) << why(done);
  EXPECT_EQ(unfinished_value(root()), std::nullopt);
  EXPECT_THAT(set("256M")->edits, IsEmpty());
}

TEST_F(LoaderPlans, ACommandThatFailsRestoresTheFiles) {
  put("etc/zipl.conf", "[debian]\nparameters=\"ro\"\n");
  auto setting = plan_setting({.root = root(), .value = "256M"});
  ASSERT_TRUE(setting) << why(setting);
  setting->commands = {{"/bin/true"}, {"/bin/false"}};
  const auto done = carry_out(*setting);
  EXPECT_EQ(code_of(done), ErrorCode::io);
  EXPECT_EQ(text("etc/zipl.conf"), "[debian]\nparameters=\"ro\"\n");
  EXPECT_EQ(text("var/lib/lifeboat/reserve.json"), "(none)");
}

TEST_F(LoaderPlans, ACommandThatLeavesTheParameterOutRestoresTheFiles) {
  put("etc/update-extlinux.conf", "default_kernel_opts=\"quiet\"\n");
  put("sbin/update-extlinux", "");
  put("boot/extlinux.conf", "LABEL lts\n  LINUX vmlinuz-lts\n  APPEND root=x quiet\n");
  auto setting = plan_setting({.root = root(), .value = "256M"});
  ASSERT_TRUE(setting) << why(setting);
  setting->remains.clear();
  setting->commands = {{"/bin/true"}};
  const auto done = carry_out(*setting);
  EXPECT_EQ(code_of(done), ErrorCode::io);
  EXPECT_THAT(why(done), HasSubstr("does not have crashkernel=256M"));
  EXPECT_EQ(text("etc/update-extlinux.conf"), "default_kernel_opts=\"quiet\"\n");
}

}  // namespace
}  // namespace lifeboat::reservation
