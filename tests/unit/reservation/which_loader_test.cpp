// SPDX-License-Identifier: GPL-2.0-or-later
// Several boot loaders are installed: the one that starts the system counts.
#include <gmock/gmock.h>

#include "src/reservation/boot_loader.h"
#include "tests/support/results.h"
#include "tests/unit/reservation/boot_root.h"

namespace lifeboat::reservation {
namespace {

using test::code_of;
using test::why;
using testing::ElementsAre;
using testing::HasSubstr;

class WhichLoader : public BootRoot {
 protected:
  void grub(std::string_view config = "\tlinux /vmlinuz-6.1.0-1 root=/dev/sda1\n") const {
    put("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n");
    put("usr/sbin/grub-mkconfig", "for x in ${sysconfdir}/default/grub.d/*.cfg ; do\n");
    put("boot/grub/grub.cfg", config);
  }
  void systemd_boot() const {
    put("efi/EFI/systemd/systemd-bootx64.efi", "");
    put("efi/loader/entries/a.conf", "title a\nlinux /vmlinuz\noptions ro\n");
  }
  [[nodiscard]] Result<BootLoader> found() const { return find_boot_loader(root()); }
};

TEST_F(WhichLoader, TheNameThatALoaderLeftDecides) {
  grub();
  systemd_boot();
  EXPECT_EQ(code_of(found()), ErrorCode::usage);
  EXPECT_THAT(why(found()), HasSubstr("grub, systemd-boot"));
  put_loader_variable("LoaderInfo", "systemd-boot 257.5");
  EXPECT_EQ(found().value(), BootLoader::systemd_boot);
  put_loader_variable("LoaderInfo", "GRUB 2.12");
  EXPECT_EQ(found().value(), BootLoader::grub);
}

TEST_F(WhichLoader, ALoaderWithAnotherNameIsAnError) {
  grub();
  systemd_boot();
  put_loader_variable("LoaderInfo", "Clover 5");
  EXPECT_EQ(code_of(found()), ErrorCode::not_found);
  EXPECT_THAT(why(found()), HasSubstr("Clover 5"));
}

TEST_F(WhichLoader, APartitionThatIsNotMountedIsAnError) {
  grub();
  put_loader_variable("LoaderInfo", "systemd-boot 257.5");
  EXPECT_EQ(code_of(found()), ErrorCode::not_found);
  EXPECT_THAT(why(found()), HasSubstr("mount its partition"));
  std::filesystem::remove_all(path("sys"));
  put_loader_variable("StubInfo", "systemd-stub 257");
  EXPECT_EQ(code_of(found()), ErrorCode::not_found);
  EXPECT_FALSE(set("256M"));
  EXPECT_EQ(text("etc/default/grub.d/lifeboat.cfg"), "(none)");
}

TEST_F(WhichLoader, EfiWithoutANameIsNotSystemdBoot) {
  grub();
  systemd_boot();
  put("sys/firmware/efi/efivars/BootCurrent-8be4df61-93ca-11d2-aa0d-00e098032b8c", "xxxx");
  EXPECT_EQ(found().value(), BootLoader::grub);
}

TEST_F(WhichLoader, ANameIsNotTrusted) {
  grub();
  systemd_boot();
  for (const std::string& name : {std::string(3000, 'x'), std::string("\x01\x02"), std::string()}) {
    put_loader_variable("LoaderInfo", name);
    EXPECT_FALSE(found()) << name.size();
  }
  put("sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", "x");
  EXPECT_EQ(code_of(found()), ErrorCode::usage);
}

TEST_F(WhichLoader, TheKernelsHeaderHasTheLoadersNumber) {
  grub();
  systemd_boot();
  put("proc/sys/kernel/bootloader_type", "114\n");
  EXPECT_EQ(found().value(), BootLoader::grub);
  // Started by kexec: the number says nothing.
  put("proc/sys/kernel/bootloader_type", "208\n");
  EXPECT_FALSE(found());
  put("boot/extlinux/extlinux.conf", "label l\nlinux /vmlinuz\nappend ro\n");
  put("proc/sys/kernel/bootloader_type", "52\n");
  EXPECT_EQ(found().value(), BootLoader::extlinux);
}

TEST_F(WhichLoader, AManagerThatStartsGrub) {
  grub();
  put_loader_variable("LoaderInfo", "rEFInd 0.14.2");
  EXPECT_EQ(code_of(found()), ErrorCode::not_found);
  put("proc/sys/kernel/bootloader_type", "114\n");
  EXPECT_EQ(found().value(), BootLoader::grub);
}

TEST_F(WhichLoader, GrubsParameterShowsIt) {
  grub();
  systemd_boot();
  put("proc/cmdline", "BOOT_IMAGE=(hd0,gpt2)/vmlinuz-6.1.0-1 ro\n");
  EXPECT_EQ(found().value(), BootLoader::grub);
}

TEST_F(WhichLoader, AGrubWithoutTheRunningKernelDoesNotCount) {
  grub();
  systemd_boot();
  put("proc/sys/kernel/osrelease", "6.8.12-1-pve\n");
  EXPECT_EQ(found().value(), BootLoader::systemd_boot);
  put("proc/sys/kernel/osrelease", "6.1.0-1\n");
  EXPECT_FALSE(found());
  // A link may be any kernel.
  grub("\tlinux /vmlinuz root=/dev/sda1\n");
  put("proc/sys/kernel/osrelease", "6.8.12-1-pve\n");
  EXPECT_FALSE(found());
}

TEST_F(WhichLoader, AGrubAloneWithoutTheRunningKernelIsWarnedOf) {
  grub();
  put("proc/sys/kernel/osrelease", "6.8.12-1-pve\n");
  const auto setting = set("256M");
  ASSERT_TRUE(setting) << why(setting);
  EXPECT_THAT(setting->notes, ElementsAre(HasSubstr("6.8.12-1-pve")));
}

TEST_F(WhichLoader, ALeftoverPartitionOfSystemdBootDoesNotCount) {
  grub();
  put("boot/efi/EFI/systemd/systemd-bootx64.efi", "");
  EXPECT_EQ(found().value(), BootLoader::grub);
}

TEST_F(WhichLoader, ALeftoverGrubDoesNotCount) {
  grub("set timeout=5\n");
  systemd_boot();
  EXPECT_EQ(found().value(), BootLoader::systemd_boot);
}

TEST_F(WhichLoader, AMoveToAnotherLoaderIsWarnedOf) {
  systemd_boot();
  put("proc/sys/kernel/bootloader_type", "114\n");
  EXPECT_EQ(found().value(), BootLoader::systemd_boot);
  const auto setting = set("256M");
  ASSERT_TRUE(setting) << why(setting);
  EXPECT_THAT(setting->notes, testing::Contains(HasSubstr("another boot loader than systemd-boot")));
}

TEST_F(WhichLoader, ANamedLoaderIsTaken) {
  grub();
  systemd_boot();
  const auto setting = plan_setting({.root = root(), .boot_loader = BootLoader::grub, .value = "256M"});
  ASSERT_TRUE(setting) << why(setting);
  EXPECT_THAT(setting->boot_loaders, ElementsAre(BootLoader::grub));
}

TEST_F(WhichLoader, UnifiedImagesAlone) {
  put("efi/EFI/systemd/systemd-bootx64.efi", "");
  put("efi/EFI/Linux/arch.efi", "MZ");
  EXPECT_EQ(found().value(), BootLoader::unified);
  put_loader_variable("StubInfo", "systemd-stub 257");
  EXPECT_EQ(found().value(), BootLoader::unified);
  grub();
  EXPECT_EQ(found().value(), BootLoader::unified);
}

TEST_F(WhichLoader, OtherLoadersBesideGrubAreAsked) {
  grub();
  put("boot/refind_linux.conf", "\"Boot\" \"root=/dev/sda1\"\n");
  EXPECT_EQ(code_of(found()), ErrorCode::usage);
  put_loader_variable("LoaderInfo", "rEFInd 0.14.2");
  EXPECT_EQ(found().value(), BootLoader::refind);
}

TEST_F(WhichLoader, NamesAreRead) {
  for (const char* name :
       {"grub", "bls", "systemd-boot", "proxmox-boot-tool", "kernelstub", "rpm-ostree", "sdbootutil", "uki",
        "extlinux", "raspberry-pi", "flash-kernel", "zipl", "refind", "limine"}) {
    const auto loader = parse_boot_loader(name);
    ASSERT_TRUE(loader) << name;
    EXPECT_EQ(boot_loader_name(*loader), name);
  }
  EXPECT_EQ(code_of(parse_boot_loader("lilo")), ErrorCode::usage);
  EXPECT_EQ(code_of(parse_boot_loader("")), ErrorCode::usage);
}

// --- systems that write the boot loader's files themselves, or are not known

TEST_F(WhichLoader, SystemsWithAConfigurationOfTheirOwnAreRefused) {
  struct Case {
    const char* file;
    const char* line;
  };
  for (const auto& [file, line] :
       {Case{"etc/NIXOS", "boot.kernelParams = [ \"crashkernel=256M,high\" \"crashkernel=64M,low\" ]"},
        Case{"etc/nixos/configuration.nix", "nixos-rebuild boot"},
        Case{"var/lib/snapd/modeenv", "snap set system system.kernel.cmdline-append="}}) {
    put(file, "");
    systemd_boot();
    const auto setting = set("256M,high 64M,low");
    ASSERT_FALSE(setting) << file;
    EXPECT_EQ(setting.error().code, ErrorCode::unsupported) << file;
    EXPECT_THAT(setting.error().fix, HasSubstr(line));
    EXPECT_EQ(text("efi/loader/entries/a.conf"), "title a\nlinux /vmlinuz\noptions ro\n");
    std::filesystem::remove(path(file));
  }
  put("etc/guix/acl", "");
  put("gnu/store/x", "");
  EXPECT_THAT(why(set("256M")), HasSubstr("kernel-arguments"));
}

TEST_F(WhichLoader, LoadersThatAreNotConfiguredAreNamed) {
  EXPECT_EQ(code_of(set("256M")), ErrorCode::not_found);
  EXPECT_THAT(why(set("256M")), HasSubstr("crashkernel=256M"));
  for (const auto& [file, name] :
       {std::pair("boot/grub/menu.lst", "GRUB Legacy"), std::pair("etc/lilo.conf", "lilo"),
        std::pair("boot/efi/EFI/zbm/vmlinuz.efi", "ZFSBootMenu"),
        std::pair("boot/armbianEnv.txt", "extraargs")}) {
    put(file, "");
    const auto setting = set("256M");
    EXPECT_EQ(code_of(setting), ErrorCode::not_found) << file;
    EXPECT_THAT(why(setting), HasSubstr(name));
    std::filesystem::remove_all(path(file));
    std::filesystem::remove_all(path("boot"));
  }
}

}  // namespace
}  // namespace lifeboat::reservation
