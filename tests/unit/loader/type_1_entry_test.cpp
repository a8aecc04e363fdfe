// SPDX-License-Identifier: GPL-2.0-or-later
// Entries of the Boot Loader Specification whose program, or whose further files, are special.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/entries/boot_entry.h"
#include "tests/support/uki_builder.h"
#include "tests/unit/loader/boot_folder.h"

namespace lifeboat {
namespace {

using test::uki_section;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class TypeOneEntry : public test::BootFolder {
 protected:
  TypeOneEntry() {
    put_kernel("boot/linux");
    put("boot/initrd", "070701");
    put_uki("boot/u.efi");
    put("boot/program.efi", as_text(test::build_uki({.sections = {uki_section(".text", "code")}})));
  }
  // The one entry of this text; one without a kernel when it is skipped.
  BootEntry entry(const std::string& text) {
    put("boot/loader/entries/e.conf", text);
    return only();
  }
  // Why it is skipped.
  std::string skipped(const std::string& text) {
    const BootEntry found = entry(text);
    if (!found.kernel.empty()) return "loaded";
    EXPECT_THAT(skipped_, ElementsAre(HasSubstr("entries/e.conf: ")));
    return skipped_.empty() ? "" : skipped_.front();
  }
};

TEST_F(TypeOneEntry, WhatOnlyABootLoaderStartsIsSkippedByName) {
  EXPECT_THAT(skipped("efi /program.efi\n"), AllOf(HasSubstr("EFI program"), HasSubstr("/program.efi")));
  EXPECT_THAT(skipped("efi /nothing.efi\n"), HasSubstr("there is no"));
  EXPECT_THAT(skipped("uki-url http://example.com/foo.efi\n"),
              AllOf(HasSubstr("network"), HasSubstr("http://example.com/foo.efi")));
  EXPECT_THAT(skipped("uki-url :foo.efi\n"), HasSubstr("network"));
  EXPECT_THAT(skipped("uki /program.efi\n"), HasSubstr("is not a kernel"));
  EXPECT_THAT(skipped("linux /program.efi\n"), HasSubstr("is not a kernel"));
  EXPECT_THAT(skipped("title x\nprofile 1\n"), HasSubstr("names no kernel"));
  EXPECT_THAT(skipped("linux /linux\nuki /u.efi\n"), HasSubstr("more than one"));
  EXPECT_THAT(skipped("uki /u.efi\nuki-url http://x/\n"), HasSubstr("more than one"));
  EXPECT_THAT(skipped("linux /linux\ndevicetree /d\ndevicetree-overlay /o\n"), HasSubstr("device tree"));
  EXPECT_THAT(skipped("uki /u.efi\narchitecture ia32\n"), HasSubstr("ia32"));
}

TEST_F(TypeOneEntry, TheDefaultIsFoundPastThoseThatAreSkipped) {
  put("boot/loader/loader.conf", "default z-openbsd.conf\n");
  put("boot/loader/entries/z-openbsd.conf", "title OpenBSD\nefi /program.efi\n");
  put("boot/loader/entries/net.conf", "uki-url http://x/\n");
  put("boot/loader/entries/arch.conf", "linux /linux\n");
  std::vector<std::string> skipped;
  const auto found = default_boot_entry(paths(), &skipped);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, "arch.conf");
  EXPECT_THAT(skipped, testing::UnorderedElementsAre(HasSubstr("z-openbsd.conf"), HasSubstr("net.conf")));
}

TEST_F(TypeOneEntry, AProfileOfAUnifiedImage) {
  const BootEntry found = entry("uki /u.efi\nprofile 1\n");
  EXPECT_EQ(found.profile, 1U);
  EXPECT_TRUE(found.unified);
  EXPECT_THAT(found.notes, IsEmpty());
  EXPECT_EQ(entry("efi /u.efi\nprofile 2\n").profile, 2U);
  EXPECT_EQ(entry("uki /u.efi\n").profile, 0U);
}

TEST_F(TypeOneEntry, AProfileThatMeansNothingIsReported) {
  for (const char* value : {"-1", "one", "4294967296", "1 2"}) {
    const BootEntry found = entry(std::string("uki /u.efi\nprofile ") + value + "\n");
    EXPECT_EQ(found.profile, 0U) << value;
    EXPECT_THAT(found.notes, ElementsAre(HasSubstr(value)));
  }
  const BootEntry plain = entry("linux /linux\nprofile 1\n");
  EXPECT_EQ(plain.profile, 0U);
  EXPECT_THAT(plain.notes, ElementsAre(HasSubstr("profile")));
  EXPECT_THAT(entry("linux /linux\nprofile 0\n").notes, IsEmpty());
}

TEST_F(TypeOneEntry, ExtraFilesAreTakenOrNamed) {
  put("boot/a.cred", "secret");
  put("boot/B.ADDON.EFI", "MZ");
  put("boot/c.sysext.raw", "");
  put("boot/d.confext.raw", "");
  put("boot/e.txt", "");
  const BootEntry found = entry(
      "linux /linux\nextra /a.cred\nextra /B.ADDON.EFI\nextra c.sysext.raw\nextra \\d.confext.raw\n"
      "extra /e.txt\nextra /missing.cred\nextra /../../a.cred\n");
  EXPECT_THAT(found.extras,
              ElementsAre(path("boot/a.cred"), path("boot/B.ADDON.EFI"), path("boot/c.sysext.raw"),
                          path("boot/d.confext.raw"), path("boot/a.cred")));
  EXPECT_THAT(found.notes, ElementsAre(AllOf(HasSubstr("/e.txt"), HasSubstr("ending")),
                                       AllOf(HasSubstr(path("boot/missing.cred")), HasSubstr("missing"))));
}

TEST_F(TypeOneEntry, TheCommandLineOfAUnifiedImage) {
  EXPECT_EQ(entry("uki /u.efi\noptions mine\n").command_line, "mine");
  EXPECT_EQ(entry("uki /u.efi\n").command_line, std::nullopt);
  EXPECT_EQ(entry("uki /u.efi\noptions $nothing\n").command_line, std::nullopt);
  EXPECT_EQ(entry("linux /linux\n").command_line, "");
}

TEST_F(TypeOneEntry, InitramfsBesideAUnifiedImage) {
  const BootEntry unified = entry("uki /u.efi\ninitrd /initrd\n");
  EXPECT_THAT(unified.initramfs, IsEmpty());
  EXPECT_THAT(unified.notes, ElementsAre(HasSubstr("initrd")));
  EXPECT_THAT(entry("linux /u.efi\ninitrd /initrd\n").initramfs, ElementsAre(path("boot/initrd")));
}

TEST_F(TypeOneEntry, AnInitramfsNamedInTheOptions) {
  put("boot/ucode.img", "070701");
  const BootEntry found =
      entry("linux /linux\noptions initrd=\\ucode.img root=/dev/x initrd=/initrd -- initrd=/no\n");
  EXPECT_THAT(found.initramfs, ElementsAre(path("boot/ucode.img"), path("boot/initrd")));
  EXPECT_THAT(entry("efi /linux\noptions initrd=\\initrd root=/dev/x\n").initramfs, SizeIs(1));
  // Written in both ways it is still one.
  EXPECT_THAT(entry("linux /linux\ninitrd /initrd\noptions initrd=\\initrd\n").initramfs, SizeIs(1));
  EXPECT_THAT(skipped("linux /linux\noptions initrd=/nothing\n"), HasSubstr("there is no"));
}

TEST_F(TypeOneEntry, AnEmptyInitramfsIsLeftOut) {
  put("boot/empty", "");
  const BootEntry found = entry("linux /linux\ninitrd /empty\ninitrd /initrd\n");
  EXPECT_THAT(found.initramfs, ElementsAre(path("boot/initrd")));
  EXPECT_THAT(found.notes, ElementsAre(HasSubstr("boot/empty is empty")));
}

TEST_F(TypeOneEntry, AnOverlayWithoutATreeIsReported) {
  EXPECT_THAT(entry("linux /linux\ndevicetree-overlay /o\n").notes,
              ElementsAre(HasSubstr("devicetree-overlay")));
}

TEST_F(TypeOneEntry, FilesThatSystemdBootDoesNotRead) {
  put("boot/loader/entries/auto-x.conf", "linux /nothing\n");
  put("boot/loader/entries/.hidden.conf", "linux /nothing\n");
  EXPECT_EQ(entry("linux /linux\n").id, "e.conf");
  EXPECT_THAT(skipped_, IsEmpty());
}

}  // namespace
}  // namespace lifeboat
