// SPDX-License-Identifier: GPL-2.0-or-later
// The boot loader's files, in a root of the test's own.
#include "src/reservation/boot_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "src/base/file.h"
#include "src/base/sys.h"
#include "src/reservation/crashkernel_parameters.h"
#include "src/reservation/reserve_record.h"
#include "src/reservation/setting.h"
#include "tests/support/results.h"
#include "tests/unit/reservation/boot_root.h"

namespace lifeboat::reservation {
namespace {

using test::code_of;
using test::why;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kGrub = "GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n";
constexpr const char* kEntry =
    "title      Debian\nversion    6.1.0\noptions    root=UUID=1  ro quiet\nlinux      /vmlinuz-6.1.0\n";

class BootLoaderFiles : public BootRoot {
 protected:
  void debian() const {
    put("etc/default/grub", kGrub);
    put("usr/sbin/grub-mkconfig", "for x in ${sysconfdir}/default/grub.d/*.cfg ; do\n");
    put("boot/grub/grub.cfg", "");
  }
  void systemd_boot() const {
    put("boot/EFI/systemd/systemd-bootx64.efi", "");
    put("boot/loader/entries/a.conf", kEntry);
    put("boot/loader/entries/memtest.conf", "title Memtest\nefi /memtest.efi\n");
    put("etc/kernel/cmdline", "root=UUID=1 ro quiet\n");
  }
};

TEST(CrashKernelWords, NothingElseIsTouched) {
  EXPECT_EQ(without_crashkernel("ro  crashkernel=1G quiet"), "ro quiet");
  EXPECT_EQ(without_crashkernel("crashkernel=1G quiet"), "quiet");
  EXPECT_EQ(without_crashkernel("ro crashkernel=1G,high crashkernel=1M,low\n"), "ro\n");
  EXPECT_EQ(without_crashkernel("ro notcrashkernel=1"), "ro notcrashkernel=1");
  EXPECT_EQ(without_crashkernel("   ro"), "   ro");
  EXPECT_EQ(with_parameters("ro quiet\n", {"crashkernel=1M"}), "ro quiet crashkernel=1M\n");
  EXPECT_EQ(with_parameters("", {"crashkernel=1M"}), "crashkernel=1M");
  EXPECT_THAT(crashkernel_parameters("A=\"crashkernel=1M quiet\" 'crashkernel=2M'"),
              ElementsAre("crashkernel=1M", "crashkernel=2M"));
}

TEST_F(BootLoaderFiles, GrubGetsADropIn) {
  debian();
  const auto setting = set("88M");
  ASSERT_TRUE(setting) << setting.error().to_string();
  EXPECT_THAT(setting->boot_loaders, ElementsAre(BootLoader::grub));
  EXPECT_THAT(text("etc/default/grub.d/lifeboat.cfg"),
              HasSubstr("\nGRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=88M\"\n"));
  EXPECT_EQ(text("etc/default/grub"), kGrub);
  EXPECT_THAT(setting->remains, ElementsAre("grub-mkconfig -o /boot/grub/grub.cfg"));
  EXPECT_THAT(set("88M")->edits, IsEmpty());
  EXPECT_THAT(set("96M")->diff(),
              HasSubstr("-GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=88M\""));
  EXPECT_TRUE(set(""));
  EXPECT_EQ(text("etc/default/grub.d/lifeboat.cfg"), "(none)");
  EXPECT_THAT(set("")->edits, IsEmpty());
}

TEST_F(BootLoaderFiles, AGrubThatReadsNoDropInsGetsMarkedLines) {
  put("etc/default/grub", "GRUB_DEFAULT=0");
  put("usr/sbin/grub-mkconfig", ". ${sysconfdir}/default/grub\n");
  put("boot/grub/grub.cfg", "");
  EXPECT_TRUE(set("88M"));
  EXPECT_THAT(text("etc/default/grub"), HasSubstr("GRUB_DEFAULT=0\n# lifeboat reserve: begin"));
  const auto again = set("96M");
  EXPECT_THAT(text("etc/default/grub"), HasSubstr("crashkernel=96M"));
  EXPECT_THAT(text("etc/default/grub"), Not(HasSubstr("crashkernel=88M")));
  EXPECT_TRUE(set(""));
  EXPECT_EQ(text("etc/default/grub"), "GRUB_DEFAULT=0\n");
}

TEST_F(BootLoaderFiles, SomebodyElsesParameterIsAnErrorWithItsFile) {
  debian();
  put("etc/default/grub.d/kdump-tools.cfg",
      "# crashkernel=1M\nGRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT "
      "crashkernel=512M-:192M\"\n");
  const auto setting = set("88M");
  ASSERT_FALSE(setting);
  EXPECT_EQ(setting.error().code, ErrorCode::busy);
  EXPECT_THAT(setting.error().message, HasSubstr("kdump-tools.cfg:2 has crashkernel=512M-:192M"));
  EXPECT_EQ(text("etc/default/grub.d/lifeboat.cfg"), "(none)");
  ASSERT_TRUE(set("88M", Foreign::overruled));
  EXPECT_THAT(text("etc/default/grub.d/kdump-tools.cfg"), HasSubstr("192M"));
  EXPECT_TRUE(set(""));
}

TEST_F(BootLoaderFiles, AParameterOfRecoveryEntriesIsNoConflict) {
  debian();
  for (const char* file : {"etc/default/grub", "etc/default/grub.d/x.cfg"}) {
    put("etc/default/grub", kGrub);
    put(file, "GRUB_CMDLINE_LINUX_RECOVERY=\"single crashkernel=1M\"\n");
    put("boot/grub/grub.cfg",
        "\tlinux /vmlinuz ro quiet crashkernel=88M\n\tlinux /vmlinuz ro single crashkernel=1M\n");
    const auto setting = set("88M");
    ASSERT_TRUE(setting) << why(setting);
    EXPECT_THAT(setting->notes, Contains(HasSubstr("crashkernel=1M")));
    EXPECT_THAT(setting->foreign, IsEmpty());
    EXPECT_EQ(unfinished_value(folder_.path()), std::nullopt);
    ASSERT_TRUE(set(""));
    put("boot/grub/grub.cfg", "\tlinux /vmlinuz ro quiet\n\tlinux /vmlinuz ro single crashkernel=1M\n");
    EXPECT_EQ(boot_loader_agrees(BootLoader::grub, folder_.path(), "", {}), true);
  }
  // The default's line takes it over.
  put("etc/default/grub",
      "GRUB_CMDLINE_LINUX_RECOVERY=\"crashkernel=1M\"\nGRUB_CMDLINE_LINUX=\"ro "
      "${GRUB_CMDLINE_LINUX_RECOVERY}\"\n");
  EXPECT_EQ(code_of(set("88M")), ErrorCode::busy);
}

TEST_F(BootLoaderFiles, EntriesGetTheParameterAndLoseIt) {
  systemd_boot();
  const auto setting = set("88M");
  ASSERT_TRUE(setting) << setting.error().to_string();
  EXPECT_THAT(setting->boot_loaders, ElementsAre(BootLoader::systemd_boot));
  EXPECT_THAT(text("boot/loader/entries/a.conf"),
              HasSubstr("\noptions    root=UUID=1  ro quiet crashkernel=88M\nlinux"));
  EXPECT_THAT(text("boot/loader/entries/memtest.conf"), Not(HasSubstr("crashkernel")));
  EXPECT_EQ(text("etc/kernel/cmdline"), "root=UUID=1 ro quiet crashkernel=88M\n");
  EXPECT_THAT(setting->diff(), Not(HasSubstr("reserve.json")));
  EXPECT_THAT(set("88M")->edits, IsEmpty());

  // A new kernel's entry is a copy.
  put("boot/loader/entries/b.conf", text("boot/loader/entries/a.conf"));
  ASSERT_TRUE(set("96M"));
  EXPECT_THAT(text("boot/loader/entries/b.conf"), HasSubstr("quiet crashkernel=96M\n"));
  ASSERT_TRUE(set(""));
  EXPECT_EQ(text("boot/loader/entries/a.conf"), kEntry);
  EXPECT_EQ(text("boot/loader/entries/b.conf"), kEntry);
  EXPECT_EQ(text("etc/kernel/cmdline"), "root=UUID=1 ro quiet\n");
  EXPECT_EQ(text("var/lib/lifeboat/reserve.json"), "(none)");
}

TEST_F(BootLoaderFiles, WhatWasReplacedByForceComesBack) {
  put("etc/default/grub", kGrub);
  put("boot/grub2/grub.cfg", "insmod blscfg\nblscfg\n");
  const std::string entry = "linux /vmlinuz\noptions root=/dev/sda1 crashkernel=1G-:192M rhgb\n";
  put("boot/loader/entries/a.conf", entry);
  const auto refused = set("88M");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("a.conf:2 has crashkernel=1G-:192M"));
  ASSERT_TRUE(set("88M", Foreign::overruled));
  EXPECT_THAT(text("boot/loader/entries/a.conf"), HasSubstr("options root=/dev/sda1 rhgb crashkernel=88M\n"));
  ASSERT_TRUE(set("96M"));
  ASSERT_TRUE(set(""));
  EXPECT_EQ(text("boot/loader/entries/a.conf"),
            "linux /vmlinuz\noptions root=/dev/sda1 rhgb crashkernel=1G-:192M\n");
}

TEST_F(BootLoaderFiles, SomebodyElsesParameterIsNotTakenAway) {
  systemd_boot();
  put("boot/loader/entries/a.conf", "linux /vmlinuz\noptions crashkernel=1G\n");
  ASSERT_TRUE(set(""));
  EXPECT_THAT(text("boot/loader/entries/a.conf"), HasSubstr("crashkernel=1G"));
}

TEST_F(BootLoaderFiles, EntriesWithoutAndWithSeveralOptions) {
  put("boot/loader/entries/a.conf", "linux /vmlinuz");
  put("boot/loader/entries/b.conf", "linux /vmlinuz\noptions ro\noptions quiet\n");
  ASSERT_TRUE(set("88M"));
  EXPECT_EQ(text("boot/loader/entries/a.conf"), "linux /vmlinuz\noptions crashkernel=88M\n");
  EXPECT_EQ(text("boot/loader/entries/b.conf"),
            "linux /vmlinuz\noptions ro\noptions quiet crashkernel=88M\n");
}

TEST_F(BootLoaderFiles, OwnerModeAndLinkStay) {
  debian();
  put("real", kGrub);
  std::filesystem::remove(path("etc/default/grub"));
  std::filesystem::create_symlink("../../real", path("etc/default/grub"));
  put("usr/sbin/grub-mkconfig", "");
  EXPECT_TRUE(set("88M"));
  EXPECT_TRUE(std::filesystem::is_symlink(path("etc/default/grub")));
  struct stat status{};
  ASSERT_EQ(::stat(path("real").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0640U);
  EXPECT_THAT(text("real"), HasSubstr("crashkernel=88M"));
}

TEST_F(BootLoaderFiles, AllFilesChangeOrNone) {
  systemd_boot();
  const auto setting = plan_setting({.root = folder_.path(), .value = "88M"});
  ASSERT_TRUE(setting);
  int renames = 0;
  sys::set_fault_hook(
      [&](sys::Call call) { return call == sys::Call::rename && ++renames == 3 ? ENOSPC : 0; });
  EXPECT_FALSE(carry_out(*setting));
  sys::set_fault_hook({});
  EXPECT_EQ(text("boot/loader/entries/a.conf"), kEntry);
  EXPECT_EQ(text("etc/kernel/cmdline"), "root=UUID=1 ro quiet\n");
  EXPECT_EQ(text("var/lib/lifeboat/reserve.json"), "(none)");
}

TEST_F(BootLoaderFiles, AFileThatChangedMeanwhileIsLeftAlone) {
  systemd_boot();
  const auto setting = plan_setting({.root = folder_.path(), .value = "88M"});
  put("etc/kernel/cmdline", "other\n");
  const auto done = carry_out(*setting);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::busy);
  EXPECT_EQ(text("boot/loader/entries/a.conf"), kEntry);
}

TEST_F(BootLoaderFiles, WhichBootLoader) {
  EXPECT_EQ(find_boot_loader(folder_.path()).error().code, ErrorCode::not_found);
  debian();
  EXPECT_EQ(find_boot_loader(folder_.path()).value(), BootLoader::grub);
  put("boot/loader/entries/a.conf", kEntry);
  EXPECT_EQ(find_boot_loader(folder_.path()).value(), BootLoader::grub);
  put("boot/grub/grub.cfg", "blscfg\n");
  EXPECT_EQ(find_boot_loader(folder_.path()).value(), BootLoader::bls);
  put("efi/EFI/systemd/systemd-bootx64.efi", "");
  EXPECT_EQ(find_boot_loader(folder_.path()).error().code, ErrorCode::usage);
  EXPECT_EQ(parse_boot_loader("systemd-boot").value(), BootLoader::systemd_boot);
  EXPECT_FALSE(parse_boot_loader("lilo"));
}

TEST_F(BootLoaderFiles, SeveralParametersAreOneSetting) {
  systemd_boot();
  ASSERT_TRUE(set("1G,high 128M,low"));
  EXPECT_EQ(text("etc/kernel/cmdline"), "root=UUID=1 ro quiet crashkernel=1G,high crashkernel=128M,low\n");
  EXPECT_THAT(set("1G,high 128M,low")->edits, IsEmpty());
  ASSERT_TRUE(set(""));
  EXPECT_EQ(text("etc/kernel/cmdline"), "root=UUID=1 ro quiet\n");
  debian();
  ASSERT_TRUE(
      plan_setting({.root = folder_.path(), .boot_loader = BootLoader::grub, .value = "1G,high 128M,low"}));
}

TEST_F(BootLoaderFiles, GrubsOwnFileShowsWhetherItKnows) {
  debian();
  EXPECT_FALSE(grub_config_agrees(folder_.path(), "88M", {}));
  put("boot/grub/grub.cfg", "# linux crashkernel=88M\nmenuentry x {\n\tlinux /vmlinuz ro quiet\n}\n");
  EXPECT_EQ(grub_config_agrees(folder_.path(), "88M", {}), false);
  EXPECT_EQ(grub_config_agrees(folder_.path(), "", {}), true);
  put("boot/grub/grub.cfg", "\tlinux /vmlinuz ro quiet crashkernel=88M\n\tlinux /vmlinuz ro single\n");
  EXPECT_EQ(grub_config_agrees(folder_.path(), "88M", {}), true);
  EXPECT_EQ(grub_config_agrees(folder_.path(), "96M", {}), false);
  EXPECT_EQ(grub_config_agrees(folder_.path(), "", {}), false);
  EXPECT_EQ(grub_config_agrees(folder_.path(), "", {{"f:1", "crashkernel=88M"}}), true);
}

TEST_F(BootLoaderFiles, AnAttemptThatWasCutShortIsTakenUpAgain) {
  debian();
  ASSERT_TRUE(set("88M"));
  put("boot/grub/grub.cfg", "\tlinux /vmlinuz ro quiet\n");
  const auto behind = set("88M");
  EXPECT_THAT(behind->edits, IsEmpty());
  EXPECT_THAT(behind->remains, ElementsAre(HasSubstr("grub-mkconfig")));
  put("boot/grub/grub.cfg", "\tlinux /vmlinuz ro quiet crashkernel=88M\n");
  EXPECT_THAT(set("88M")->remains, IsEmpty());
}

TEST_F(BootLoaderFiles, ASettingThatWasCutShortIsSeen) {
  debian();
  EXPECT_EQ(unfinished_value(folder_.path()), std::nullopt);
  put("boot/grub/grub.cfg", "\tlinux /vmlinuz ro quiet crashkernel=1G,high crashkernel=128M,low\n");
  ASSERT_TRUE(set("1G,high 128M,low"));
  EXPECT_EQ(unfinished_value(folder_.path()), std::nullopt);
  put("boot/grub/grub.cfg", "\tlinux /vmlinuz ro quiet crashkernel=88M\n");
  EXPECT_EQ(unfinished_value(folder_.path()), "1G,high 128M,low");
  // Where there are no drop-ins, too.
  put("usr/sbin/grub-mkconfig", "");
  ASSERT_TRUE(set("96M"));
  EXPECT_EQ(unfinished_value(folder_.path()), "96M");
  ASSERT_TRUE(set(""));
  EXPECT_EQ(unfinished_value(folder_.path()), std::nullopt);
}

TEST_F(BootLoaderFiles, EntriesThatHaveNotTheirParameterYetAreSeen) {
  systemd_boot();
  ASSERT_TRUE(set("88M"));
  EXPECT_EQ(unfinished_value(folder_.path()), std::nullopt);
  put("boot/loader/entries/a.conf", kEntry);
  EXPECT_EQ(unfinished_value(folder_.path()), "88M");
}

TEST_F(BootLoaderFiles, ACommandThatLeavesTheParameterOutUndoesTheFiles) {
  debian();
  put("etc/default/grub.d/zz.cfg", "GRUB_CMDLINE_LINUX_DEFAULT=\"console=ttyS0\"\n");
  auto setting = plan_setting({.root = folder_.path(), .value = "88M"});
  ASSERT_TRUE(setting) << setting.error().to_string();
  EXPECT_THAT(setting->notes, Contains(HasSubstr("zz.cfg:1 overwrites GRUB_CMDLINE_LINUX_DEFAULT after")));
  put("boot/grub/grub.cfg", "\tlinux /vmlinuz console=ttyS0\n");
  setting->commands = {{"/bin/true"}};
  setting->remains.clear();
  const auto done = carry_out(*setting);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().to_string(), HasSubstr("made a grub.cfg without crashkernel=88M"));
  EXPECT_THAT(done.error().to_string(), HasSubstr("zz.cfg:1"));
  EXPECT_EQ(text("etc/default/grub.d/lifeboat.cfg"), "(none)");
  put("boot/grub/grub.cfg", "\tlinux /vmlinuz console=ttyS0 crashkernel=88M\n");
  EXPECT_TRUE(carry_out(*setting));
}

TEST_F(BootLoaderFiles, LinesBetweenTheMarksThatAreNotOursStay) {
  put("etc/default/grub", "GRUB_DEFAULT=0\n");
  put("usr/sbin/grub-mkconfig", "");
  put("boot/grub/grub.cfg", "");
  ASSERT_TRUE(set("88M"));
  const std::string ours = text("etc/default/grub");
  for (const std::string& broken : {ours.substr(0, ours.rfind("# lifeboat")) + "GRUB_TERMINAL=serial\n",
                                    ours.substr(0, ours.rfind("# lifeboat")) + "GRUB_TERMINAL=serial\n" +
                                        ours.substr(ours.rfind("# lifeboat"))}) {
    put("etc/default/grub", broken);
    for (const char* value : {"96M", ""}) {
      const auto setting = plan_setting({.root = folder_.path(), .value = value});
      ASSERT_FALSE(setting);
      EXPECT_THAT(setting.error().message, HasSubstr("etc/default/grub:2: lifeboat's lines"));
    }
    EXPECT_EQ(text("etc/default/grub"), broken);
  }
}

TEST_F(BootLoaderFiles, NoneTakesAwayFromAllBootLoaders) {
  debian();
  systemd_boot();
  for (const auto loader : {BootLoader::grub, BootLoader::systemd_boot}) {
    const auto setting = plan_setting({.root = folder_.path(), .boot_loader = loader, .value = "88M"});
    ASSERT_TRUE(setting && carry_out(*setting));
  }
  const auto none = set("");
  ASSERT_TRUE(none) << none.error().to_string();
  EXPECT_THAT(none->boot_loaders, ElementsAre(BootLoader::grub, BootLoader::systemd_boot));
  EXPECT_EQ(text("etc/default/grub.d/lifeboat.cfg"), "(none)");
  EXPECT_EQ(text("boot/loader/entries/a.conf"), kEntry);
}

TEST_F(BootLoaderFiles, NoneFindsWhatWasSetForAnotherBootLoaderByName) {
  debian();
  put("boot/loader/entries/a.conf", kEntry);
  for (const char* config : {"", "blscfg\n"}) {
    put("boot/grub/grub.cfg", config);
    for (const auto loader : {BootLoader::grub, BootLoader::bls}) {
      const auto setting = plan_setting({.root = folder_.path(), .boot_loader = loader, .value = "88M"});
      ASSERT_TRUE(setting && carry_out(*setting));
    }
    ASSERT_TRUE(set(""));
    EXPECT_EQ(text("etc/default/grub.d/lifeboat.cfg"), "(none)");
    EXPECT_EQ(text("boot/loader/entries/a.conf"), kEntry);
    EXPECT_EQ(text("var/lib/lifeboat/reserve.json"), "(none)");
  }
}

TEST_F(BootLoaderFiles, WhatNobodyRemembersIsNamed) {
  systemd_boot();
  ASSERT_TRUE(set("88M"));
  put("var/lib/lifeboat/reserve.json", "{");
  EXPECT_EQ(remembered_value(folder_.path()), std::nullopt);
  const auto none = set("");
  ASSERT_TRUE(none);
  EXPECT_THAT(none->foreign, Contains(testing::Field(&ForeignParameter::parameter, "crashkernel=88M")));
}

TEST_F(BootLoaderFiles, TheLastValueIsRemembered) {
  systemd_boot();
  EXPECT_EQ(remembered_value(folder_.path()), std::nullopt);
  for (const char* value : {"88M", "96M", "88M"}) ASSERT_TRUE(set(value));
  EXPECT_EQ(remembered_value(folder_.path()), "88M");
  ASSERT_TRUE(set(""));
  EXPECT_EQ(remembered_value(folder_.path()), std::nullopt);
}

TEST_F(BootLoaderFiles, EntriesAsSystemdBootReadsThem) {
  systemd_boot();
  const std::string indented = "title x\n  linux /vmlinuz\n\toptions\tro\n";
  put("boot/loader/entries/a.conf", indented);
  put("boot/loader/entries/b.conf", "linux /vmlinuz\n");
  ASSERT_TRUE(set("88M"));
  EXPECT_EQ(text("boot/loader/entries/a.conf"), "title x\n  linux /vmlinuz\n\toptions\tro crashkernel=88M\n");
  ASSERT_TRUE(set(""));
  EXPECT_EQ(text("boot/loader/entries/a.conf"), indented);
  EXPECT_EQ(text("boot/loader/entries/b.conf"), "linux /vmlinuz\n");
}

TEST_F(BootLoaderFiles, EntriesWithoutAnyCommandLineAreNoSuccess) {
  put("boot/EFI/systemd/systemd-bootx64.efi", "");
  put("boot/loader/entries/a.conf", "title x\nefi /EFI/Linux/x.efi\n");
  const auto setting = set("88M");
  ASSERT_FALSE(setting);
  EXPECT_THAT(setting.error().to_string(), HasSubstr("no boot entry with a command line"));
}

TEST_F(BootLoaderFiles, UnifiedImagesAndAMissingCommandLineFileAreNoted) {
  systemd_boot();
  put("boot/EFI/Linux/x.efi", "");
  std::filesystem::remove(path("etc/kernel/cmdline"));
  const auto setting = set("88M");
  ASSERT_TRUE(setting);
  EXPECT_THAT(setting->remains, ElementsAre(HasSubstr("x.efi contains its command line")));
  EXPECT_THAT(setting->notes, ElementsAre(HasSubstr("there is no /etc/kernel/cmdline")));
}

TEST_F(BootLoaderFiles, CommentsInTheCommandLineFileAreLeftAsTheyAre) {
  systemd_boot();
  for (const auto& [before, after] :
       {std::pair("ro quiet\n# mine\n", "ro quiet crashkernel=88M\n# mine\n"),
        std::pair("# mine\nro", "# mine\nro crashkernel=88M"), std::pair("", "crashkernel=88M"),
        std::pair("# mine\n", "crashkernel=88M\n# mine\n")}) {
    put("etc/kernel/cmdline", before);
    ASSERT_TRUE(set("88M"));
    EXPECT_EQ(text("etc/kernel/cmdline"), after);
  }
}

TEST_F(BootLoaderFiles, ALinkOutOfTheRootIsNotFollowed) {
  debian();
  const TempDir host = TempDir::create("boot-loader-host").value();
  std::filesystem::create_directory_symlink(host.path(), path("etc/default/grub.d"));
  const auto setting = plan_setting({.root = folder_.path(), .value = "88M"});
  ASSERT_FALSE(setting);
  EXPECT_THAT(setting.error().message, HasSubstr("points outside"));
  EXPECT_TRUE(std::filesystem::is_empty(host.path()));
}

}  // namespace
}  // namespace lifeboat::reservation
