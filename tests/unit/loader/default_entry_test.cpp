// SPDX-License-Identifier: GPL-2.0-or-later
// Whose menu names the default: that of the boot loader that started the machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "loader/entries/boot_entry.h"
#include "tests/support/results.h"
#include "tests/unit/loader/boot_folder.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::why;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class DefaultEntry : public test::BootFolder {
 protected:
  void install(const std::string& release) const {
    put_kernel("boot/vmlinuz-" + release);
    put("boot/initrd.img-" + release, "070701");
  }
  void grub(const std::string& body = "linux /vmlinuz-6.1 root=grub") const {
    put("boot/grub/grub.cfg", "menuentry x { " + body + "\n}\n");
  }
  void put_variable(const std::string& name, const std::string& value) const {
    std::string bytes("\7\0\0\0", 4);
    for (const char c : value) (bytes += c) += '\0';
    bytes += std::string(2, '\0');
    put("sys/firmware/efi/efivars/" + name + "-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", bytes);
  }
  [[nodiscard]] Result<BootEntry> found() const { return default_boot_entry(paths()); }
  [[nodiscard]] std::string id() const {
    const auto entry = found();
    return entry ? entry->id : why(entry);
  }
};

// --- Menus that are not read.

TEST_F(DefaultEntry, APlainKernelIsNoDefaultOfABootLoader) {
  install("6.1");
  auto entry = found();
  ASSERT_TRUE(entry) << why(entry);
  EXPECT_TRUE(entry->plain);
  EXPECT_THAT(entry->notes, ElementsAre(HasSubstr("the newest kernel in " + path("boot"))));
  for (const char* menu :
       {"boot/extlinux/extlinux.conf", "boot/syslinux/syslinux.cfg", "boot/limine.conf",
        "efi/EFI/refind/refind.conf", "boot/refind_linux.conf", "boot/grub/menu.lst", "boot/boot.scr"}) {
    put(menu, "x\n");
    entry = found();
    ASSERT_TRUE(entry) << why(entry);
    EXPECT_THAT(entry->notes, ElementsAre(AllOf(HasSubstr(path(menu)), HasSubstr("is not read")))) << menu;
    std::filesystem::remove(path(menu));
  }
}

TEST_F(DefaultEntry, AnEntryOfABootLoaderIsNotPlain) {
  install("6.1");
  put("boot/loader/entries/a.conf", "linux /vmlinuz-6.1\n");
  EXPECT_FALSE(found()->plain);
  EXPECT_THAT(found()->notes, IsEmpty());
  put("boot/extlinux/extlinux.conf", "x\n");
  EXPECT_THAT(found()->notes, ElementsAre(HasSubstr("extlinux.conf")));
  put_variable("LoaderInfo", "systemd-boot 257");
  EXPECT_THAT(found()->notes, Not(Contains(HasSubstr("extlinux.conf"))));
}

TEST_F(DefaultEntry, ALoaderWhoseMenuIsNotInSightIsAnError) {
  install("6.1");
  for (const char* name : {"systemd-boot 257.5", "GRUB 2.12", "rEFInd 0.14.2", "Limine 8", "Clover 5"}) {
    put_variable("LoaderInfo", name);
    EXPECT_EQ(code_of(found()), ErrorCode::unsupported) << name;
    EXPECT_THAT(why(found()),
                AllOf(HasSubstr(name), HasSubstr("mount its partition"), HasSubstr("--boot-name")));
  }
  put_variable("LoaderInfo", "rEFInd 0.14.2");
  put("boot/refind_linux.conf", "x\n");
  EXPECT_EQ(id(), "vmlinuz-6.1");
  EXPECT_THAT(found()->notes, ElementsAre(HasSubstr("refind_linux.conf")));
}

TEST_F(DefaultEntry, AnUnknownLoaderWithEntriesIsReported) {
  install("6.1");
  put("boot/loader/entries/a.conf", "linux /vmlinuz-6.1\n");
  put_variable("LoaderInfo", "Clover 5");
  EXPECT_EQ(id(), "a.conf");
  EXPECT_THAT(found()->notes, ElementsAre(HasSubstr("Clover 5")));
}

// --- Which one started the machine.

TEST_F(DefaultEntry, TheFirmwareDoesNotReadALeftoverGrub) {
  install("6.1");
  grub();
  put_variable("StubInfo", "systemd-stub 257");
  EXPECT_EQ(code_of(found()), ErrorCode::unsupported);
  put_uki("efi/EFI/Linux/a.efi");
  put("efi/loader/entries/z.conf", "uki /EFI/Linux/a.efi\n");
  EXPECT_EQ(id(), "a.efi");
  EXPECT_THAT(found()->notes, IsEmpty());
  put_uki("efi/EFI/Linux/b.efi");
  EXPECT_THAT(found()->notes, ElementsAre(HasSubstr("boot order")));
}

TEST_F(DefaultEntry, AGrubWithoutANameMayStartAUnifiedImage) {
  put_uki("boot/EFI/Linux/a.efi");
  put_uki("boot/EFI/Linux/b.efi");
  grub("chainloader /EFI/Linux/a.efi");
  put_variable("StubInfo", "systemd-stub 257");
  EXPECT_EQ(found()->kernel, path("boot/EFI/Linux/a.efi"));
}

TEST_F(DefaultEntry, AManagerThatStartsGrub) {
  install("6.1");
  install("6.12");
  grub();
  put_variable("LoaderInfo", "rEFInd 0.14.2");
  EXPECT_EQ(code_of(found()), ErrorCode::unsupported);
  put("proc/sys/kernel/bootloader_type", "114\n");
  EXPECT_EQ(found()->command_line, "root=grub");
}

TEST_F(DefaultEntry, TheKernelsHeaderHasTheLoadersNumber) {
  install("6.1");
  install("6.12");
  grub();
  put("proc/sys/kernel/bootloader_type", "52\n");
  EXPECT_EQ(found()->command_line, "root=grub") << "of the time before GRUB";
  put("boot/extlinux/extlinux.conf", "x\n");
  EXPECT_EQ(id(), "vmlinuz-6.12");
  EXPECT_THAT(found()->notes, Contains(HasSubstr("extlinux.conf")));
  put("proc/sys/kernel/bootloader_type", "114\n");
  EXPECT_EQ(found()->command_line, "root=grub");
  EXPECT_THAT(found()->notes, Not(Contains(HasSubstr("extlinux.conf"))));
}

// --- Entries that are skipped.

TEST_F(DefaultEntry, SkippedEntriesBeforeTheChosenOneAreKnown) {
  install("6.1");
  put("boot/loader/entries/b.conf", "linux /vmlinuz-6.1\n");
  put("boot/loader/entries/a.conf", "linux /gone\n");
  EXPECT_THAT(found()->skipped_before, IsEmpty());
  put("boot/loader/entries/c.conf", "linux /vmlinuz-6.1\ninitrd /gone\n");
  EXPECT_THAT(found()->skipped_before, ElementsAre(HasSubstr("c.conf")));
  put("boot/loader/entries/0.conf", "sort-key a\nlinux /gone\n");
  EXPECT_THAT(found()->skipped_before, SizeIs(2));
  // No boot loader takes these by itself.
  put("boot/loader/entries/d+0-3.conf", "linux /vmlinuz-6.1\n");
  put("boot/loader/entries/e.conf", "architecture ia32\nlinux /vmlinuz-6.1\n");
  EXPECT_THAT(found()->skipped_before, SizeIs(2));
  put("boot/loader/loader.conf", "default b.conf\n");
  EXPECT_THAT(found()->skipped_before, IsEmpty());
  put("boot/loader/loader.conf", "default ?.conf\n");
  EXPECT_THAT(found()->skipped_before, SizeIs(2));
}

TEST_F(DefaultEntry, AllSkippedEntriesCountBeforeAPlainKernel) {
  install("6.1");
  put("boot/loader/entries/a.conf", "linux /gone\n");
  EXPECT_EQ(id(), "vmlinuz-6.1");
  EXPECT_THAT(found()->skipped_before, ElementsAre(HasSubstr("a.conf")));
}

// --- loader.conf.

TEST_F(DefaultEntry, TheLastDefaultLineCounts) {
  install("6.1");
  for (const char* name : {"a", "b", "c"})
    put("boot/loader/entries/" + std::string(name) + ".conf", "linux /vmlinuz-6.1\n");
  put("boot/loader/loader.conf", "default a.conf\ntimeout 3\ndefault b.conf\n");
  EXPECT_EQ(id(), "b.conf");
  EXPECT_THAT(found()->notes, IsEmpty());
  put("boot/loader/loader.conf", "default a.conf\ndefault @unknown\n");
  EXPECT_EQ(id(), "a.conf");
  put_variable("LoaderEntryLastBooted", "b.conf");
  put("boot/loader/loader.conf", "default a.conf\ndefault @Saved\n");
  EXPECT_EQ(id(), "b.conf");
}

TEST_F(DefaultEntry, LoaderConfIsReadWhereTheBootLoaderLies) {
  install("6.1");
  for (const char* name : {"a", "b", "c"})
    put("boot/loader/entries/" + std::string(name) + ".conf", "linux /vmlinuz-6.1\n");
  put("boot/loader/loader.conf", "default a.conf\n");
  EXPECT_EQ(id(), "a.conf");
  put("efi/EFI/systemd/systemd-bootx64.efi", "MZ");
  EXPECT_EQ(id(), "c.conf");
  put("efi/loader/loader.conf", "default b.conf\n");
  EXPECT_EQ(id(), "b.conf");
}

// --- GRUB's files.

TEST_F(DefaultEntry, AnInvalidEnvironmentBlockIsNotBelieved) {
  install("6.1");
  install("6.12");
  put("boot/grub/grub.cfg",
      "load_env\nset default=$saved_entry\nmenuentry a { linux /vmlinuz-6.12 root=a }\n"
      "menuentry b { linux /vmlinuz-6.1 root=b }\n");
  put("boot/grub/grubenv", "# GRUB Environment Block\nsaved_entry=b\n");
  EXPECT_EQ(found()->command_line, "root=b");
  for (const char* text : {"saved_entry=b\n", "# GRUB Environment block\nsaved_entry=b\n",
                           "\n# GRUB Environment Block\nsaved_entry=b\n", ""}) {
    put("boot/grub/grubenv", text);
    EXPECT_EQ(found()->command_line, "root=a") << text;
    EXPECT_THAT(found()->notes, Contains(HasSubstr("no environment block"))) << text;
  }
}

TEST_F(DefaultEntry, TheSameWhereThereIsNoGrubCfg) {
  install("6.1");
  for (const char* name : {"a", "b"})
    put("boot/loader/entries/" + std::string(name) + ".conf",
        "linux /vmlinuz-6.1\noptions root=1 $kernelopts\n");
  put("boot/grub2/grubenv", "saved_entry=a\nkernelopts=quiet\n");
  EXPECT_EQ(id(), "b");
  EXPECT_THAT(found()->notes, Contains(HasSubstr("no environment block")));
  EXPECT_THAT(*found()->command_line, Not(HasSubstr("quiet")));
}

TEST_F(DefaultEntry, ALeftoverConfigurationWithoutAMenuIsPassedOver) {
  install("6.1");
  grub();
  for (const char* leftover : {"", "# nothing\n", "set timeout=5\n"}) {
    put("boot/grub2/grub.cfg", leftover);
    const auto entry = found();
    ASSERT_TRUE(entry) << why(entry);
    EXPECT_EQ(entry->command_line, "root=grub") << leftover;
    EXPECT_THAT(entry->notes, Contains(AllOf(HasSubstr("grub2/grub.cfg"), HasSubstr("remove"))));
  }
  // A kernel that is missing may be on a disk that is not mounted.
  put("boot/grub2/grub.cfg", "menuentry x { linux /gone root=1\n}\n");
  EXPECT_EQ(code_of(found()), ErrorCode::corrupt);
  // Nothing is left when all are so.
  put("boot/grub2/grub.cfg", "");
  put("boot/grub/grub.cfg", "");
  EXPECT_EQ(code_of(found()), ErrorCode::corrupt);
}

TEST_F(DefaultEntry, AMissingKernelIsTheOnlyReason) {
  grub("linux /gone root=1\ninitrd /none");
  EXPECT_THAT(why(found()), AllOf(HasSubstr("/gone"), Not(HasSubstr("before linux"))));
}

}  // namespace
}  // namespace lifeboat
