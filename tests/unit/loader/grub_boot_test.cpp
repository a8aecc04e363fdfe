// SPDX-License-Identifier: GPL-2.0-or-later
// What GRUB boots by the files in /boot, as distributions write them.
#include "loader/entries/grub_boot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "loader/entries/boot_entry.h"
#include "src/base/file.h"
#include "tests/support/bzimage_builder.h"
#include "tests/support/results.h"
#include "tests/support/uki_builder.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using test::code_of;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

// The beginning of what grub-mkconfig writes on Debian.
constexpr const char* kDebianHeader = R"(
if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="${saved_entry}"
fi
if [ x"${feature_menuentry_id}" = xy ]; then
  menuentry_id_option="--id"
else
  menuentry_id_option=""
fi
export menuentry_id_option
function savedefault {
  if [ -z "${boot_once}" ]; then
    saved_entry="${chosen}"
    save_env saved_entry
  fi
}
function load_video {
  if [ x$feature_all_video_module = xy ]; then
    insmod all_video
  else
    insmod vbe
  fi
}
if loadfont $font ; then
  set gfxmode=auto
  load_video
  insmod gfxterm
fi
terminal_output gfxterm
if [ "${recordfail}" = 1 ] ; then
  set timeout=30
else
  set timeout=5
fi
function gfxmode {
	set gfxpayload="${1}"
}
set linux_gfx_mode=
export linux_gfx_mode
)";

class GrubBoot : public testing::Test {
 protected:
  GrubBoot() {
    for (const char* release : {"6.1", "6.12"}) {
      put_kernel("boot/vmlinuz-" + std::string(release));
      put("boot/initrd.img-" + std::string(release), "070701");
    }
    put("boot/microcode.img", "070701");
    // The devices are known, and none is of another system.
    fs::create_directories(path("dev/disk/by-uuid"));
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  void put(const std::string& name, std::string_view text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    write_file_atomically(path(name), as_byte_span(text), 0600).value();
  }
  void put_kernel(const std::string& name) const { put(name, as_text(test::build_bzimage())); }
  void put_environment(const std::string& lines) const {
    put("boot/grub/grubenv", "# GRUB Environment Block\n" + lines + "####");
  }
  void put_variable(const std::string& name, const std::string& value) const {
    std::string bytes("\7\0\0\0", 4);
    for (const char c : value) (bytes += c) += '\0';
    bytes += std::string(2, '\0');
    put("sys/firmware/efi/efivars/" + name + "-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", bytes);
  }
  [[nodiscard]] BootPaths paths() const {
    return {.roots = {path("efi"), path("boot"), path("boot/efi")},
            .sys = path("sys"),
            .proc = path("proc"),
            .mountinfo = path("mountinfo"),
            .disks = path("dev/disk")};
  }
  [[nodiscard]] Result<BootEntry> boot() const { return default_boot_entry(paths()); }
  [[nodiscard]] Result<BootEntry> boot(const std::string& config) const {
    put("boot/grub/grub.cfg", config);
    return boot();
  }
  // "KERNEL INITRAMFS...: COMMAND LINE", by the names of the files; or the error.
  [[nodiscard]] static std::string shown(const Result<BootEntry>& entry) {
    if (!entry) return "ERROR " + entry.error().to_string();
    std::string text = fs::path(entry->kernel).filename().string();
    for (const auto& file : entry->initramfs) text += " " + fs::path(file).filename().string();
    return text + ": " + entry->command_line.value_or("(none)");
  }
  [[nodiscard]] std::string boots(const std::string& config) const { return shown(boot(config)); }

  TempDir folder_ = TempDir::create("grub-boot-test").value();
};

std::string entry_text(const std::string& title, const std::string& id, const std::string& release) {
  return "menuentry '" + title + "' --class debian --class os $menuentry_id_option '" + id + "' {\n" +
         "\tload_video\n\tgfxmode $linux_gfx_mode\n\tinsmod gzio\n" +
         "\tif [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi\n\tinsmod ext2\n" +
         "\tsearch --no-floppy --fs-uuid --set=root 1234-abcd\n\techo\t'Loading Linux " + release +
         " ...'\n" + "\tlinux\t/vmlinuz-" + release + " root=UUID=1234-abcd ro  quiet\n" +
         "\techo\t'Loading initial ramdisk ...'\n\tinitrd\t/initrd.img-" + release + "\n}\n";
}

std::string debian_menu() {
  return kDebianHeader + entry_text("Debian GNU/Linux", "gnulinux-simple-1", "6.12") +
         "submenu 'Advanced options for Debian GNU/Linux' $menuentry_id_option 'gnulinux-advanced-1' {\n" +
         entry_text("Debian GNU/Linux, with Linux 6.12", "gnulinux-6.12-advanced-1", "6.12") +
         entry_text("Debian GNU/Linux, with Linux 6.1", "gnulinux-6.1-advanced-1", "6.1") + "}\n" +
         "if [ -f  ${config_directory}/custom.cfg ]; then\n  source ${config_directory}/custom.cfg\n"
         "elif [ -z \"${config_directory}\" -a -f  $prefix/custom.cfg ]; then\n  source "
         "$prefix/custom.cfg\nfi\n";
}

constexpr const char* kNewer = "vmlinuz-6.12 initrd.img-6.12: root=UUID=1234-abcd ro quiet";
constexpr const char* kOlder = "vmlinuz-6.1 initrd.img-6.1: root=UUID=1234-abcd ro quiet";

// --- The default.

TEST_F(GrubBoot, TheFirstEntryWithoutADefault) {
  const auto entry = boot(debian_menu());
  ASSERT_EQ(shown(entry), kNewer);
  EXPECT_EQ(entry->title, "Debian GNU/Linux");
  EXPECT_EQ(entry->id, "gnulinux-simple-1");
  EXPECT_FALSE(entry->unified);
  EXPECT_THAT(entry->source, HasSubstr("boot/grub/grub.cfg:"));
}

TEST_F(GrubBoot, TheSavedEntry) {
  for (const char* value : {"gnulinux-advanced-1>gnulinux-6.1-advanced-1", "1>1", "gnulinux-advanced-1>1",
                            "Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux 6.1",
                            "1>gnulinux-6.1-advanced-1"}) {
    put_environment("saved_entry=" + std::string(value) + "\n");
    EXPECT_EQ(boots(debian_menu()), kOlder) << value;
  }
  EXPECT_EQ(boot()->title, "Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux 6.1");
  // A submenu alone: its first entry.
  for (const char* value :
       {"1", "gnulinux-advanced-1", "gnulinux-advanced-1>0", "gnulinux-advanced-1>none"}) {
    put_environment("saved_entry=" + std::string(value) + "\n");
    EXPECT_EQ(boots(debian_menu()), kNewer) << value;
  }
}

TEST_F(GrubBoot, TheNextEntryComesBeforeTheSavedOne) {
  put_environment("saved_entry=0\nnext_entry=1>1\n");
  EXPECT_EQ(boots(debian_menu()), kOlder);
  put_environment("saved_entry=1>1\nnext_entry=\n");
  EXPECT_EQ(boots(debian_menu()), kOlder);
}

TEST_F(GrubBoot, ADefaultThatIsNotInTheMenuIsReported) {
  put_environment("saved_entry=gnulinux-5.10-removed\n");
  const auto entry = boot(debian_menu());
  ASSERT_EQ(shown(entry), kNewer);
  EXPECT_THAT(entry->notes, ElementsAre(AllOf(HasSubstr("'gnulinux-5.10-removed'"), HasSubstr("grub.cfg"),
                                              HasSubstr("Debian GNU/Linux"))));
  put_environment("saved_entry=gnulinux-advanced-1>removed\n");
  EXPECT_THAT(boot()->notes, ElementsAre(HasSubstr("'removed'")));
  put_environment("saved_entry=7\n");
  EXPECT_THAT(boot()->notes, ElementsAre(HasSubstr("'7'")));
}

TEST_F(GrubBoot, ASetDefaultAndWhatAUserAdds) {
  put("boot/grub/custom.cfg", "menuentry 'mine' { linux /vmlinuz-6.1 root=/dev/sda1 }\nset default=mine\n");
  EXPECT_EQ(boots(debian_menu()), "vmlinuz-6.1: root=/dev/sda1");
}

TEST_F(GrubBoot, TheEnvironmentCountsForAScriptWithoutLoadEnv) {
  put_environment("saved_entry=adv>old\n");
  const std::string menu =
      "menuentry new $menuentry_id_option new { linux /vmlinuz-6.12 root=1 }\n"
      "submenu adv { menuentry 'Old one' $menuentry_id_option 'old' { linux /vmlinuz-6.1 root=1 } }\n";
  EXPECT_EQ(boots(menu), "vmlinuz-6.1: root=1");
  EXPECT_THAT(boot()->notes, ElementsAre(HasSubstr("no load_env")));
  EXPECT_EQ(boots("set default=\"${saved_entry}\"\n" + menu), "vmlinuz-6.1: root=1");
  EXPECT_EQ(boots("set default=0\n" + menu), "vmlinuz-6.12: root=1");
}

TEST_F(GrubBoot, AnEnvironmentBlockElsewhere) {
  put("boot/other.env", "# GRUB Environment Block\ndefault=1\nx=2\n");
  const std::string menu =
      "menuentry a { linux /vmlinuz-6.12 root=$x }\nmenuentry b { linux /vmlinuz-6.1 root=$x }\n";
  EXPECT_EQ(boots("load_env --file /other.env\n" + menu), "vmlinuz-6.1: root=2");
  EXPECT_EQ(boots("load_env -f /other.env default\nset x=3\n" + menu), "vmlinuz-6.1: root=3");
  EXPECT_EQ(boots("load_env --file=/none.env\nset x=3\n" + menu), "vmlinuz-6.12: root=3");
}

TEST_F(GrubBoot, AFallbackIsTakenAndReported) {
  const std::string menu =
      "load_env\nset default=a\nset fallback=\"2 1\"\nmenuentry a { linux /gone root=1 }\n"
      "menuentry b { linux /vmlinuz-6.12 root=1 }\nmenuentry c { linux /vmlinuz-6.1 root=1 }\n";
  const auto entry = boot(menu);
  EXPECT_EQ(shown(entry), "vmlinuz-6.1: root=1");
  EXPECT_THAT(entry->notes, ElementsAre(AllOf(HasSubstr("'a'"), HasSubstr("/gone"), HasSubstr("'c'"))));
}

TEST_F(GrubBoot, ANameThatVersionsOfGrubReadDifferentlyIsRefused) {
  const auto entry = boot(
      "set default='6.1 kernel'\nmenuentry a { linux /vmlinuz-6.12 root=1 }\n"
      "menuentry '6.1 kernel' { linux /vmlinuz-6.1 root=1 }\n");
  EXPECT_EQ(code_of(entry), ErrorCode::unsupported);
  EXPECT_THAT(entry.error().message, HasSubstr("'6.1 kernel'"));
  EXPECT_THAT(entry.error().fix, HasSubstr("lifeboat load"));
}

// --- What an entry loads.

TEST_F(GrubBoot, SeveralInitramfs) {
  EXPECT_EQ(boots("menuentry x { linuxefi /vmlinuz-6.12 root=1\ninitrdefi /microcode.img /initrd.img-6.12 }"),
            "vmlinuz-6.12 microcode.img initrd.img-6.12: root=1");
  EXPECT_EQ(
      boots("menuentry x { linux16 /vmlinuz-6.12 root=1\ninitrd16 /microcode.img\ninitrd /initrd.img-6.1\n}"),
      "vmlinuz-6.12 initrd.img-6.1: root=1")
      << "the last command counts";
  EXPECT_THAT(boots("menuentry x { linux /vmlinuz-6.12 root=1; initrd newc:init:/x /initrd.img-6.1 }"),
              HasSubstr("newc:init:/x"));
}

TEST_F(GrubBoot, ParametersAreQuotedAsByGrub) {
  EXPECT_EQ(
      boots(R"(menuentry x { linux /vmlinuz-6.12 root=1 dyndbg="file a.c +p" 'b=c"d' e=f\\g h=\x20 "" })"),
      R"(vmlinuz-6.12: root=1 "dyndbg=file a.c +p" b=c\"d e=f\\g h=\x20 )");
}

TEST_F(GrubBoot, UnsetVariablesExpandToNothing) {
  const auto entry = boot("menuentry x { linux /vmlinuz-6.12 $kernelopts ro root=$none }");
  EXPECT_EQ(shown(entry), "vmlinuz-6.12: ro root=");
  EXPECT_THAT(entry->unset, ElementsAre("kernelopts", "none"));
}

TEST_F(GrubBoot, NixOs) {
  put_kernel("boot/kernels/abc-linux-6.6.1-bzImage");
  put("boot/kernels/def-initrd-linux-6.6.1-initrd", "070701");
  const auto entry = boot(
      "menuentry \"NixOS - Default\" --class nixos --unrestricted {\nsearch --set=drive1 --fs-uuid x\n"
      "  linux ($drive1)/kernels/abc-linux-6.6.1-bzImage init=/nix/store/zzz/init loglevel=4\n"
      "  initrd ($drive1)/kernels/def-initrd-linux-6.6.1-initrd\n}\n");
  EXPECT_EQ(shown(entry),
            "abc-linux-6.6.1-bzImage def-initrd-linux-6.6.1-initrd: init=/nix/store/zzz/init loglevel=4");
  EXPECT_THAT(entry->notes, Contains(HasSubstr("abc-linux-6.6.1-bzImage"))) << "the device is not known";
}

TEST_F(GrubBoot, OpenSuse) {
  EXPECT_EQ(boots("set btrfs_relative_path=\"y\"\nexport btrfs_relative_path\n"
                  "if [ -f ${config_directory}/grubenv ]; then load_env -f ${config_directory}/grubenv; fi\n"
                  "set extra_cmdline=\"\"\n"
                  "menuentry 'openSUSE' --class opensuse --id 'gnulinux-simple-1' {\n"
                  "  set gfxpayload=keep\n  set root='hd0,gpt2'\n"
                  "  if [ x$feature_platform_search_hint = xy ]; then\n"
                  "    search --no-floppy --fs-uuid --set=root --hint-bios=hd0,gpt2 --hint='hd0,gpt2' 1234\n"
                  "  else search --no-floppy --fs-uuid --set=root 1234; fi\n"
                  "  linux /boot/vmlinuz-6.12 root=UUID=1234 ${extra_cmdline} splash=silent\n"
                  "  initrd /boot/initrd.img-6.12\n}"),
            "vmlinuz-6.12 initrd.img-6.12: root=UUID=1234 splash=silent");
}

TEST_F(GrubBoot, AScriptWithoutAMenu) {
  EXPECT_EQ(boots("linux /boot/vmlinuz-6.12 root=/dev/vda ro\ninitrd /boot/initrd.img-6.12\nboot\n"),
            "vmlinuz-6.12 initrd.img-6.12: root=/dev/vda ro");
  EXPECT_EQ(code_of(boot("linux /boot/vmlinuz-6.12 root=/dev/vda ro\n")), ErrorCode::corrupt);
  EXPECT_EQ(code_of(boot("")), ErrorCode::corrupt);
}

TEST_F(GrubBoot, AUnifiedImageThatIsChainloaded) {
  put("boot/EFI/Linux/u.efi", as_text(test::build_uki({.sections = test::usual_uki_sections()})));
  const auto entry = boot("menuentry u { chainloader /EFI/Linux/u.efi }");
  ASSERT_TRUE(entry) << shown(entry);
  EXPECT_TRUE(entry->unified);
  EXPECT_EQ(entry->command_line, std::nullopt);
  EXPECT_EQ(code_of(boot("menuentry u { chainloader /vmlinuz-6.12 }")), ErrorCode::unsupported)
      << "its initramfs is not known";
}

TEST_F(GrubBoot, OtherSystemsAreNamed) {
  for (const char* body : {"chainloader +1", "chainloader /EFI/Microsoft/Boot/bootmgfw.efi", "fwsetup",
                           "multiboot2 /xen.gz\nmodule2 /vmlinuz-6.12 root=1", "exit", "ntldr /bootmgr"}) {
    const auto entry = boot("menuentry 'Another one' {\n" + std::string(body) + "\n}\n");
    EXPECT_EQ(code_of(entry), ErrorCode::unsupported) << body;
    EXPECT_THAT(entry.error().message, AllOf(HasSubstr("'Another one'"), HasSubstr("grub.cfg"))) << body;
    EXPECT_THAT(entry.error().fix, HasSubstr("--boot-name"));
  }
  put_environment("saved_entry=gone\n");
  EXPECT_THAT(boots("menuentry 'Another one' { chainloader +1\n}\n"),
              AllOf(HasSubstr("'Another one'"), HasSubstr("'gone'")));
  put("boot/script", "#!/bin/sh\n");
  EXPECT_THAT(boots("menuentry x { linux /script root=1 }"), HasSubstr("/script"));
}

TEST_F(GrubBoot, FilesThatAreMissingAreNamed) {
  EXPECT_THAT(boots("menuentry x { linux /vmlinuz-9 root=1 }"),
              AllOf(HasSubstr("vmlinuz-9"), HasSubstr("ERROR")));
  EXPECT_THAT(boots("menuentry x { linux /vmlinuz-6.12 root=1; initrd /none }"), HasSubstr("/none"));
  EXPECT_THAT(boots("menuentry x { linux /../../etc/passwd root=1 }"), HasSubstr("ERROR"));
  EXPECT_THAT(boots("menuentry x { true }"), HasSubstr("loads no kernel"));
  EXPECT_THAT(boots("submenu x { true }"), HasSubstr("no entries"));
}

// --- The language.

TEST_F(GrubBoot, ConditionsLoopsAndFunctions) {
  EXPECT_EQ(boots("function entry { menuentry \"$1\" $2 { linux /vmlinuz-$2 root=$1; }; }\n"
                  "for r in 6.1 6.12; do if [ $r != 6.1 ]; then entry t$r $r; fi; done\n"),
            "vmlinuz-6.12: root=t6.12");
  EXPECT_EQ(boots("i=3\nwhile [ $i -gt 0 ]; do decrement i; x=\"$x$i\"; done\n"
                  "menuentry x { linux /vmlinuz-6.12 root=$x$i$y }"),
            "vmlinuz-6.12: root=2100")
      << "an entry sees the variables of the script";
  EXPECT_EQ(
      boots(
          "for i in 1 2 3; do if [ $i = 2 ]; then continue; fi; x=$x$i; if [ $i = 3 ]; then break; fi; done\n"
          "if ! [ -z \"$x\" ]; then export x; fi\nsubmenu s { menuentry x { linux /vmlinuz-6.12 root=$x } }"),
      "vmlinuz-6.12: root=13");
  EXPECT_EQ(boots("y=1\nsubmenu s { menuentry x { linux /vmlinuz-6.12 root=1 $y } }"), "vmlinuz-6.12: root=1")
      << "a submenu sees what is exported";
}

TEST_F(GrubBoot, WhatCannotBeKnownMattersOnlyWhereItDecides) {
  const std::string menu =
      "menuentry a { linux /vmlinuz-6.12 root=1 }\nmenuentry b { linux /vmlinuz-6.1 root=1 }\n";
  for (const char* harmless : {"if hwmatch x; then set y=1; fi", "if keystatus --shift; then timeout=-1; fi",
                               "fwsetup --is-supported; if [ \"$?\" = 0 ]; then menuentry f { fwsetup }; fi",
                               "probe -u $root --set=uuid\nset y=$uuid", "if [ $grub_cpu = x ]; then y=2; fi",
                               "if [ -e (hd0,gpt1)/x ]; then y=2; fi", "if search --file /x; then y=1; fi"})
    EXPECT_EQ(boots(menu + harmless), "vmlinuz-6.12: root=1") << harmless;
  for (const char* decides :
       {"if hwmatch x; then set default=1; fi", "probe -u $root --set=d\nset default=$d",
        "if [ -e (hd0,gpt1)/x ]; then default=b; fi", "if [ \"$root\" = hd0 ]; then default=1; fi",
        "if keystatus --shift; then default=1; fi", "regexp --set=1:default '(.*)' \"$x\"",
        "if some_command; then default=1; fi"}) {
    const auto entry = boot(menu + decides);
    EXPECT_EQ(code_of(entry), ErrorCode::unsupported) << decides << shown(entry);
    EXPECT_THAT(entry.error().message, HasSubstr("grub.cfg")) << decides;
  }
  EXPECT_THAT(boots("probe -u $root --set=uuid\nmenuentry x { linux /vmlinuz-6.12 root=UUID=$uuid }"),
              HasSubstr("probe"));
  EXPECT_THAT(boots("menuentry x { linux /vmlinuz-* root=1 }"), HasSubstr("wildcard"));
}

// As Ubuntu writes it.
TEST_F(GrubBoot, WhetherThePictureStaysOnTheScreenDoesNotMatter) {
  put("boot/grub/gfxblacklist.txt", "# none\n");
  EXPECT_EQ(
      boots("if [ \"${recordfail}\" != 1 ]; then\n  if [ -e ${prefix}/gfxblacklist.txt ]; then\n"
            "    if [ ${grub_platform} != pc ]; then set linux_gfx_mode=keep\n"
            "    elif hwmatch ${prefix}/gfxblacklist.txt 3; then\n"
            "      if [ ${match} = 0 ]; then set linux_gfx_mode=keep; else set linux_gfx_mode=text; fi\n"
            "    else set linux_gfx_mode=text; fi\n  else set linux_gfx_mode=keep; fi\n"
            "else set linux_gfx_mode=text; fi\nexport linux_gfx_mode\n"
            "function gfxmode { if [ \"${1}\" = \"keep\" ]; then set vt_handoff=vt.handoff=7; else set "
            "vt_handoff=; fi; }\n"
            "menuentry Ubuntu { gfxmode $linux_gfx_mode\nlinux /vmlinuz-6.12 root=1 quiet $vt_handoff }\n"),
      "vmlinuz-6.12: root=1 quiet");
}

TEST_F(GrubBoot, UnknownCommandsAreNamed) {
  const auto entry = boot("frobnicate all\nmenuentry a { linux /vmlinuz-6.12 root=1 }\n");
  ASSERT_EQ(shown(entry), "vmlinuz-6.12: root=1");
  EXPECT_THAT(entry->notes, ElementsAre(AllOf(HasSubstr("'frobnicate'"), HasSubstr("grub.cfg:1"))));
  EXPECT_THAT(boots("legacy_configfile /menu.lst\n"),
              AllOf(HasSubstr("legacy_configfile"), HasSubstr("grub.cfg:1")));
}

TEST_F(GrubBoot, OtherFiles) {
  put("boot/more.cfg", "menuentry more { linux /vmlinuz-6.1 root=2 }\n");
  EXPECT_EQ(boots("source /more.cfg\n"), "vmlinuz-6.1: root=2");
  EXPECT_EQ(boots(". /more.cfg\n"), "vmlinuz-6.1: root=2");
  EXPECT_EQ(boots("configfile /more.cfg\nmenuentry a { linux /vmlinuz-6.12 root=1 }\n"),
            "vmlinuz-6.1: root=2");
  EXPECT_EQ(boots("menuentry a { configfile $prefix/../more.cfg\n}\n"), "vmlinuz-6.1: root=2");
  EXPECT_THAT(boots("menuentry a { configfile /none.cfg\n}\n"),
              AllOf(HasSubstr("ERROR"), HasSubstr("/none.cfg")));
  EXPECT_EQ(boots("menuentry a { configfile /more.cfg\n}\n"), "vmlinuz-6.1: root=2");
  EXPECT_EQ(boots("source /none.cfg\nmenuentry a { linux /vmlinuz-6.12 root=1 }\n"), "vmlinuz-6.12: root=1");
  EXPECT_EQ(boots("eval 'menuentry a { linux /vmlinuz-6.12 root=1 }'\n"), "vmlinuz-6.12: root=1");
}

TEST_F(GrubBoot, WhatHasNoEndIsStopped) {
  put("boot/self.cfg", "source /self.cfg\n");
  for (const char* endless :
       {"while true; do x=1; done", "while true; do x=\"$x$x 1234567890\"; done", "function f { f; }\nf",
        "source /self.cfg", "configfile /grub/grub.cfg", "function f { submenu s { f; }; }\nf",
        "until false; do menuentry a { true }; done"})
    EXPECT_EQ(code_of(boot(endless)), ErrorCode::unsupported) << endless;
  std::string questions;
  for (int i = 0; i < 100; ++i) questions += "if hwmatch x" + std::to_string(i) + "; then y=1; fi\n";
  EXPECT_EQ(code_of(boot(questions + "menuentry a { linux /vmlinuz-6.12 root=1 }\n")),
            ErrorCode::unsupported);
  EXPECT_EQ(code_of(boot(std::string(3 << 20, '\n'))), std::optional(ErrorCode::unsupported));
}

// --- Fedora and its relatives.

class GrubBls : public GrubBoot {
 protected:
  void put_bls(const std::string& id, const std::string& release, const std::string& more = {}) const {
    put("boot/loader/entries/" + id + ".conf",
        "title Fedora Linux (" + release + ")\nversion " + release + "\nlinux /vmlinuz-" + release +
            "\ninitrd /initrd.img-" + release + " $tuned_initrd\noptions " +
            (more.empty() ? "root=UUID=1 ro" : more) + "\ngrub_users $grub_users\ngrub_class fedora\n");
  }
  void SetUp() override {
    put_bls("m-6.1", "6.1");
    put_bls("m-6.12", "6.12");
  }
  static std::string line(const std::string& release, const std::string& options = "root=UUID=1 ro") {
    return "vmlinuz-" + release + " initrd.img-" + release + ": " + options;
  }
  static constexpr const char* kConfig =
      "if [ -s $prefix/grubenv ]; then load_env; fi\n"
      "if [ \"${next_entry}\" ]; then set default=\"${next_entry}\"; else set default=\"${saved_entry}\"; "
      "fi\n"
      "insmod blscfg\nblscfg\n"
      "if [ \"${boot_success}\" = \"1\" ]; then set menu_hide_ok=1; fi\n";
};

TEST_F(GrubBls, ByIdIndexAndTitle) {
  EXPECT_EQ(boots(kConfig), line("6.12"));
  for (const char* value : {"m-6.1", "1", "Fedora Linux (6.1)"}) {
    put_environment("saved_entry=" + std::string(value) + "\n");
    EXPECT_EQ(boots(kConfig), line("6.1")) << value;
  }
  put_environment("saved_entry=m-6.1\nnext_entry=m-6.12\n");
  EXPECT_EQ(boots(kConfig), line("6.12"));
  EXPECT_EQ(boot()->source, path("boot/loader/entries/m-6.12.conf"));
}

TEST_F(GrubBls, TheSameWithoutAGrubCfg) {
  put("boot/grub2/grubenv", "# GRUB Environment Block\nsaved_entry=1\n");
  EXPECT_EQ(shown(boot()), line("6.1"));
  put("boot/grub2/grubenv", "# GRUB Environment Block\nsaved_entry=m-6.1\nnext_entry=m-6.12\n");
  EXPECT_EQ(shown(boot()), line("6.12"));
  put("boot/grub2/grubenv", "# GRUB Environment Block\nsaved_entry=m-5\n");
  EXPECT_THAT(boot()->notes, ElementsAre(HasSubstr("'m-5'")));
  put("efi/loader/loader.conf", "default m-6.1.conf\n");
  EXPECT_EQ(shown(boot()), line("6.1")) << "systemd-boot's files come first";
}

TEST_F(GrubBls, VariablesOfTheConfiguration) {
  put_bls("m-6.12", "6.12", "$kernelopts $tuned_params");
  const std::string config =
      "if [ -z \"${kernelopts}\" ]; then\n  set kernelopts=\"root=/dev/mapper/r ro \"\nfi\nblscfg\n";
  EXPECT_EQ(boots(config), line("6.12", "root=/dev/mapper/r ro"));
  put_environment("kernelopts=root=/dev/env quiet\n");
  EXPECT_EQ(boots(config), line("6.12", "root=/dev/env quiet"));
  put_environment("");
  const auto entry = boot("blscfg\n");
  EXPECT_EQ(shown(entry), line("6.12", ""));
  EXPECT_THAT(entry->unset, Contains("kernelopts"));
  put("boot/loader/entries/m-6.12.conf", "title x\nlinux /vmlinuz-6.12\n");
  EXPECT_EQ(boots("set default_kernelopts=\"root=/dev/d rw\"\nblscfg\n"), "vmlinuz-6.12: root=/dev/d rw");
  EXPECT_EQ(boots("set early_initrd=\"microcode.img\"\nset default_kernelopts=root=1\nblscfg\n"),
            "vmlinuz-6.12 microcode.img: root=1");
}

TEST_F(GrubBls, EntriesThatGrubCannotBoot) {
  put_bls("m-7.0", "7.0");
  EXPECT_THAT(boots(kConfig), AllOf(HasSubstr("ERROR"), HasSubstr("vmlinuz-7.0")));
  put("boot/loader/entries/m-7.0.conf", "title no kernel\n");
  EXPECT_EQ(boots(kConfig), line("6.12")) << "not in the menu";
  put_bls("m-7.0", "6.12", "root=1 a='b");
  EXPECT_THAT(boots(kConfig), HasSubstr("m-7.0.conf"));
}

TEST_F(GrubBls, OnlySome) {
  EXPECT_EQ(boots("blscfg m-6.1\n"), line("6.1"));
  EXPECT_EQ(boots("set default=m-6.1\nblscfg default\nblscfg non-default\nset default=0\n"), line("6.1"));
  put("boot/other/x.conf", "linux /vmlinuz-6.1\noptions root=2\n");
  EXPECT_EQ(boots("set blsdir=/other\nblscfg\n"), "vmlinuz-6.1: root=2");
}

// --- Which configuration.

TEST_F(GrubBoot, AnotherBootLoaderThatStartedTheSystemCounts) {
  put("efi/loader/entries/a.conf", "linux /vmlinuz\noptions root=a\n");
  put_kernel("efi/vmlinuz");
  const std::string grub = "menuentry x { linux /vmlinuz-6.12 root=grub }";
  EXPECT_THAT(boots(grub), HasSubstr("root=grub"));
  put_variable("LoaderInfo", "GRUB 2.12-9");
  EXPECT_THAT(boots(grub), HasSubstr("root=grub"));
  put_variable("LoaderInfo", "systemd-boot 252.39");
  EXPECT_THAT(boots(grub), HasSubstr("root=a"));
}

TEST_F(GrubBoot, SeveralConfigurationsMustAgree) {
  const std::string one = "menuentry x { linux /vmlinuz-6.12 root=1 }";
  put("boot/grub2/grub.cfg", one);
  EXPECT_EQ(boots(one + "\n"), "vmlinuz-6.12: root=1");
  const auto entry = boot("menuentry x { linux /vmlinuz-6.1 root=1 }");
  EXPECT_EQ(code_of(entry), ErrorCode::unsupported);
  EXPECT_THAT(entry.error().message, AllOf(HasSubstr("grub2/grub.cfg"), HasSubstr("grub/grub.cfg")));
}

TEST_F(GrubBoot, TheConfigurationOnTheEfiPartition) {
  fs::remove_all(path("dev"));
  put("boot/efi/EFI/redhat/grub.cfg",
      "search --no-floppy --fs-uuid --set=root 12-34\nmenuentry x { linux /vmlinuz-6.12 root=1 }");
  EXPECT_EQ(shown(boot()), "vmlinuz-6.12: root=1")
      << "looked for in every folder when the device is not known";
}

TEST_F(GrubBoot, AFileThatCannotBeReadIsAnError) {
  EXPECT_EQ(code_of(boot("menuentry x {")), ErrorCode::corrupt);
  EXPECT_THAT(boots("\n\nmenuentry 'x {"), HasSubstr("grub.cfg:3"));
}

}  // namespace
}  // namespace lifeboat
