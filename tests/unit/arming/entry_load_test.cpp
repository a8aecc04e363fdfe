// SPDX-License-Identifier: GPL-2.0-or-later
// What a normal load takes from a boot entry: profiles, addons, credentials, command lines, names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/initramfs/cpio.h"
#include "src/arming/load_choices.h"
#include "tests/support/bzimage_builder.h"
#include "tests/support/results.h"
#include "tests/support/uki_builder.h"

namespace lifeboat::arming {
namespace {

namespace fs = std::filesystem;
using test::build_uki;
using test::code_of;
using test::uki_section;
using test::UkiSection;
using test::why;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class EntryLoad : public testing::Test {
 protected:
  EntryLoad() {
    set_running("root=/dev/sda1 running=1");
    put("boot/vmlinuz-lts", as_text(test::build_bzimage()));
    put("boot/initrd", "070701 of the entry ");
    places_.system = {.sys = path("sys"), .proc = path("proc"), .iomem = {}, .run = path("run")};
    places_.boot = {.roots = {path("boot")}, .sys = path("sys")};
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  void put(const std::string& name, std::string_view text) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    ASSERT_TRUE(write_file_atomically(path(name), as_byte_span(text), 0600));
  }
  void set_running(const std::string& line) const { put("proc/cmdline", line + "\n"); }
  void set_secure_boot() const {
    put("sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
        std::string_view("\6\0\0\0\1", 5));
  }
  void put_entry(const std::string& text) const { put("boot/loader/entries/e.conf", text); }
  void put_image(const std::string& name, const std::vector<UkiSection>& more = {}) const {
    auto sections = test::usual_uki_sections();
    sections.insert(sections.end(), more.begin(), more.end());
    put(name, as_text(build_uki({.sections = sections})));
  }
  void put_addon(const std::string& name, std::string_view parameters) const {
    put(name, as_text(build_uki({.sections = {uki_section(".cmdline", parameters)}})));
  }
  [[nodiscard]] Result<PreparedLoad> prepare(const LoadOptions& options = {}) const {
    return prepare_load(options, {}, places_);
  }
  // Of the load; an error's text when there is none.
  [[nodiscard]] std::string command_line(const LoadOptions& options = {}) const {
    const auto load = prepare(options);
    return load ? load->request.command_line.value_or("(none)") : why(load);
  }
  [[nodiscard]] std::string own_initramfs(const LoadOptions& options = {}) const {
    const auto load = prepare(options);
    if (!load) return why(load);
    return load->kernel.initramfs ? std::string(as_text(*load->kernel.initramfs)) : "none";
  }

  LoadPlaces places_;

 private:
  TempDir folder_ = TempDir::create("entry-load-test").value();
};

// --- Profiles.

TEST_F(EntryLoad, TheProfileOfTheEntryIsLoaded) {
  put_image("boot/u.efi", {uki_section(".profile", "ID=main"), uki_section(".profile", "ID=reset"),
                           uki_section(".cmdline", "root=x factory_reset=yes"),
                           uki_section(".initrd", "070701 of the profile")});
  put_entry("uki /u.efi\nprofile 1\n");
  EXPECT_EQ(command_line(), "root=x factory_reset=yes");
  EXPECT_EQ(own_initramfs(), "070701 of the profile");
  put_entry("uki /u.efi\n");
  EXPECT_EQ(command_line(), "root=/dev/vda rw");
  put_entry("uki /u.efi\nprofile 2\n");
  EXPECT_EQ(code_of(prepare()), ErrorCode::not_found);
  EXPECT_THAT(command_line(), AllOf(HasSubstr("profile 2"), HasSubstr("fix:")));
}

TEST_F(EntryLoad, TheProfileThatTheBootLoaderChose) {
  put_image("boot/EFI/Linux/u.efi", {uki_section(".profile", "ID=main"), uki_section(".profile", "ID=reset"),
                                     uki_section(".cmdline", "of=reset")});
  put("boot/loader/loader.conf", "default u.efi@reset\n");
  EXPECT_EQ(command_line(), "of=reset");
}

// --- Addons and other files.

TEST_F(EntryLoad, AddonsAreApplied) {
  put_image("boot/EFI/Linux/u.efi");
  put_addon("boot/EFI/Linux/u.efi.extra.d/b.addon.efi", "own=2");
  put_addon("boot/EFI/Linux/u.efi.extra.d/a.addon.efi", "own=1\n");
  put_addon("boot/loader/addons/z.addon.efi", "global=1");
  put("boot/EFI/Linux/u.efi.extra.d/broken.addon.efi", "hello");
  const auto load = prepare();
  ASSERT_TRUE(load) << why(load);
  EXPECT_EQ(load->request.command_line, "root=/dev/vda rw global=1 own=1 own=2");
  EXPECT_THAT(load->notes,
              AllOf(Contains(AllOf(HasSubstr("a.addon.efi"), HasSubstr("is applied"))),
                    Contains(AllOf(HasSubstr("broken.addon.efi"), HasSubstr("is not applied")))));
  EXPECT_EQ(command_line({.append = "last=1"}), "root=/dev/vda rw global=1 own=1 own=2 last=1");
  EXPECT_EQ(command_line({.reuse_command_line = true}), "root=/dev/sda1 running=1");
  EXPECT_EQ(command_line({.command_line = "just this"}), "just this");
}

TEST_F(EntryLoad, AnImageThatTheUserNamesHasItsAddons) {
  put_image("boot/EFI/Linux/u.efi");
  put_addon("boot/EFI/Linux/u.efi.extra.d/a.addon.efi", "own=1");
  put_addon("boot/loader/addons/z.addon.efi", "global=1");
  const std::string image = path("boot/EFI/Linux/u.efi");
  EXPECT_EQ(command_line({.kernel = image}), "root=/dev/vda rw global=1 own=1");
  // Elsewhere nothing says which partition it is on.
  put_image("other/u.efi");
  put_addon("other/u.efi.extra.d/a.addon.efi", "own=1");
  EXPECT_EQ(command_line({.kernel = path("other/u.efi")}), "root=/dev/vda rw own=1");
}

TEST_F(EntryLoad, ACaptureKernelHasNoAddons) {
  put_image("boot/u.efi");
  put_addon("boot/u.efi.extra.d/a.addon.efi", "own=1");
  const auto load = prepare({.crash = true, .kernel = path("boot/u.efi"), .dry_run = true});
  ASSERT_TRUE(load) << why(load);
  EXPECT_THAT(*load->request.command_line, Not(HasSubstr("own=1")));
  EXPECT_THAT(load->notes, IsEmpty());
}

TEST_F(EntryLoad, UnderSecureBootAnAddonNeedsASignature) {
  put_image("boot/EFI/Linux/u.efi");
  put_addon("boot/loader/addons/z.addon.efi", "global=1");
  set_secure_boot();
  const auto load = prepare();
  ASSERT_TRUE(load) << why(load);
  EXPECT_EQ(load->request.command_line, "root=/dev/vda rw");
  EXPECT_THAT(load->notes, Contains(AllOf(HasSubstr("z.addon.efi"), HasSubstr("signature"))));
}

TEST_F(EntryLoad, ExtraFilesAreAppliedOrNamed) {
  put_image("boot/u.efi");
  put_addon("boot/a.addon.efi", "extra=1");
  put("boot/x.cred", "secret");
  put_entry("uki /u.efi\nextra /a.addon.efi\nextra /x.cred\nextra /gone.cred\n");
  const auto load = prepare();
  ASSERT_TRUE(load) << why(load);
  EXPECT_EQ(load->request.command_line, "root=/dev/vda rw extra=1");
  EXPECT_TRUE(load->kernel.entry_archive);
  EXPECT_THAT(load->notes, AllOf(Contains(AllOf(HasSubstr("gone.cred"), HasSubstr("missing"))),
                                 Contains(AllOf(HasSubstr("x.cred"), HasSubstr("passed on")))));
  put_entry("linux /vmlinuz-lts\ninitrd /initrd\noptions root=/dev/vda\nextra /a.addon.efi\nextra /x.cred\n");
  const auto plain = prepare();
  ASSERT_TRUE(plain) << why(plain);
  EXPECT_EQ(plain->request.command_line, "root=/dev/vda");
  EXPECT_THAT(plain->request.initramfs, ElementsAre(path("boot/initrd")));
  EXPECT_TRUE(plain->kernel.entry_archive);
  EXPECT_THAT(plain->notes, Contains(AllOf(HasSubstr("a.addon.efi"), HasSubstr("is not applied"))));
}

TEST_F(EntryLoad, OtherFilesAreWhereSystemdLooksForThem) {
  put_image("boot/EFI/Linux/u.efi");
  put("boot/EFI/Linux/u.efi.extra.d/a.cred", "secret");
  put("boot/EFI/Linux/u.efi.extra.d/b.sysext.raw", "tree");
  put("boot/EFI/Linux/u.efi.extra.d/c.confext.raw", "etc");
  put("boot/loader/credentials/g.cred", "all");
  put("boot/loader/extensions/h.raw", "all trees");
  const auto load = prepare();
  ASSERT_TRUE(load) << why(load);
  ASSERT_TRUE(load->kernel.entry_archive);
  CpioReader reader(*load->kernel.entry_archive);
  std::vector<std::string> found;
  for (auto entry = reader.next(); entry && *entry; entry = reader.next())
    found.push_back(fmt::format("{} {:o} {}", (*entry)->name, (*entry)->mode, as_text((*entry)->contents)));
  EXPECT_THAT(found,
              testing::UnorderedElementsAre(
                  ".extra 40755 ", ".extra/credentials 40755 ", ".extra/credentials/a.cred 100400 secret",
                  ".extra/sysext 40755 ", ".extra/sysext/b.sysext.raw 100444 tree", ".extra/confext 40755 ",
                  ".extra/confext/c.confext.raw 100444 etc", ".extra/global_credentials 40755 ",
                  ".extra/global_credentials/g.cred 100400 all", ".extra/global_sysext 40755 ",
                  ".extra/global_sysext/h.raw 100444 all trees"));
}

// --- The command line of an image and of its entry.

TEST_F(EntryLoad, OptionsOfTheEntryStandForTheImages) {
  put_image("boot/u.efi");
  put_entry("uki /u.efi\noptions mine=1\n");
  EXPECT_EQ(command_line(), "mine=1");
  put_entry("uki /u.efi\noptions $empty\n");
  EXPECT_EQ(command_line(), "root=/dev/vda rw");
}

TEST_F(EntryLoad, UnderSecureBootTheImagesCommandLineCounts) {
  put_image("boot/u.efi");
  put_entry("uki /u.efi\noptions mine=1\n");
  set_secure_boot();
  const auto load = prepare();
  ASSERT_TRUE(load) << why(load);
  EXPECT_EQ(load->request.command_line, "root=/dev/vda rw");
  EXPECT_THAT(load->notes, Contains(AllOf(HasSubstr("options"), HasSubstr("Secure Boot"))));
  // An image without one takes what it is given.
  put("boot/u.efi", as_text(build_uki({.sections = {{".linux", test::build_bzimage()}}})));
  EXPECT_EQ(command_line(), "mine=1");
  // Another kernel has no command line of its own.
  put_entry("linux /vmlinuz-lts\noptions root=/dev/vda mine=2\n");
  EXPECT_EQ(command_line(), "root=/dev/vda mine=2");
}

TEST_F(EntryLoad, AddonsMayBeAllThereIs) {
  put("boot/EFI/Linux/u.efi", as_text(build_uki({.sections = {{".linux", test::build_bzimage()}}})));
  EXPECT_EQ(command_line(), "root=/dev/sda1 running=1");
  put_addon("boot/loader/addons/z.addon.efi", "global=1");
  EXPECT_EQ(command_line(), "global=1");
}

TEST_F(EntryLoad, AnInitramfsOfTheEntryStandsBeforeTheImages) {
  put_image("boot/u.efi", {uki_section(".ucode", "070701 microcode    ")});
  put_entry("linux /u.efi\ninitrd /initrd\n");
  EXPECT_EQ(own_initramfs(), "070701 microcode    070701 of the entry 070701 an initramfs");
  EXPECT_THAT(prepare()->request.initramfs, IsEmpty());
}

// --- What is skipped.

TEST_F(EntryLoad, SkippedEntriesAreNamed) {
  put("boot/loader/loader.conf", "default openbsd.conf\n");
  put("boot/loader/entries/openbsd.conf", "efi /bootx64.efi\n");
  put("boot/bootx64.efi", as_text(build_uki({.sections = {uki_section(".text", "code")}})));
  put("boot/loader/entries/net.conf", "uki-url http://example.com/u.efi\n");
  put_entry("title The other\nlinux /vmlinuz-lts\noptions root=/dev/vda\n");
  const auto load = prepare();
  ASSERT_TRUE(load) << why(load);
  EXPECT_THAT(load->notes, AllOf(Contains(AllOf(HasSubstr("skipped"), HasSubstr("openbsd.conf"))),
                                 Contains(AllOf(HasSubstr("skipped"), HasSubstr("net.conf"))),
                                 Contains(HasSubstr("'The other'"))));
}

TEST_F(EntryLoad, ALinkedFileThatWasChangedIsRefused) {
  put("boot/EFI/nixos/k.efi", as_text(test::build_bzimage()));
  put("boot/EFI/nixos/i.efi", "070701 good");
  put("boot/EFI/Linux/n.efi", as_text(build_uki({.sections = test::linked_uki_sections(
                                                     "\\EFI\\nixos\\k.efi", test::build_bzimage(),
                                                     "\\EFI\\nixos\\i.efi", as_byte_span("070701 good"))})));
  const auto load = prepare();
  ASSERT_TRUE(load) << why(load);
  EXPECT_EQ(load->request.command_line, "init=/nix/store/x/init");
  EXPECT_EQ(own_initramfs(), "070701 good");
  put("boot/EFI/nixos/i.efi", "070701 evil");
  EXPECT_EQ(code_of(prepare()), ErrorCode::corrupt);
}

// --- Without an initramfs.

TEST_F(EntryLoad, NoInitramfsWhenNoneIsWanted) {
  const LoadOptions none{.initramfs = std::vector<std::string>{}};
  put_entry("linux /vmlinuz-lts\ninitrd /initrd\noptions root=/dev/vda\n");
  EXPECT_THAT(prepare()->request.initramfs, ElementsAre(path("boot/initrd")));
  EXPECT_THAT(prepare(none)->request.initramfs, IsEmpty());
  put_image("boot/u.efi");
  put("boot/x.cred", "secret");
  put_entry("uki /u.efi\nextra /x.cred\n");
  EXPECT_EQ(own_initramfs(), "070701 an initramfs");
  EXPECT_EQ(own_initramfs(none), "none");
  EXPECT_FALSE(prepare(none)->kernel.entry_archive);
  // A kernel without an entry and without an initramfs is none to choose otherwise.
  fs::remove(path("boot/loader/entries/e.conf"));
  EXPECT_EQ(code_of(prepare()), ErrorCode::not_found);
  EXPECT_EQ(prepare(none)->kernel.name, path("boot/vmlinuz-lts"));
}

TEST_F(EntryLoad, AKernelAskedForByNameNeedsNoInitramfs) {
  const LoadOptions by_name{.boot_name = "lts", .reuse_command_line = true};
  const auto load = prepare(by_name);
  ASSERT_TRUE(load) << why(load);
  EXPECT_THAT(load->request.initramfs, IsEmpty());
  EXPECT_THAT(load->notes, Contains(HasSubstr("no initramfs")));
  // It could not find its root file system.
  set_running("root=UUID=1234 ro");
  EXPECT_EQ(code_of(prepare(by_name)), ErrorCode::not_found);
  EXPECT_THAT(why(prepare(by_name)), AllOf(HasSubstr("root=UUID=1234"), HasSubstr("--no-initrd")));
  EXPECT_TRUE(
      prepare({.boot_name = "lts", .initramfs = std::vector<std::string>{}, .reuse_command_line = true}));
  EXPECT_TRUE(prepare({.boot_name = "lts", .command_line = "root=/dev/sda1"}));
  put("boot/initramfs-lts", "070701");
  EXPECT_THAT(prepare(by_name)->request.initramfs, ElementsAre(path("boot/initramfs-lts")));
}

TEST_F(EntryLoad, AReusedLineDoesNotGrow) {
  for (int reboot = 0; reboot < 3; ++reboot) {
    const std::string line = command_line(
        {.kernel = path("boot/vmlinuz-lts"), .append = "x=\"1 2\" -- 3", .reuse_command_line = true});
    EXPECT_EQ(line, "root=/dev/sda1 running=1 x=\"1 2\" -- 3");
    set_running(line);
  }
}

}  // namespace
}  // namespace lifeboat::arming
