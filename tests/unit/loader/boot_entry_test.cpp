// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/boot_entry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "loader/entries/boot_entry_file.h"
#include "loader/entries/entry_search.h"
#include "loader/entries/version_order.h"
#include "src/base/file.h"
#include "tests/support/bzimage_builder.h"
#include "tests/support/uki_builder.h"

namespace lifeboat {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

TEST(VersionOrder, OldestFirst) {
  // Each is older than the one behind it (the specification's own examples are among them).
  const std::vector<std::string> ordered = {"~",        "",      "122.1",   "123~rc1", "123~rc1-1",
                                            "123",      "123-a", "123-a.1", "123-3.1", "123-3.2",
                                            "123^post", "123.1", "123.1-1", "123a",    "123a-1",
                                            "123b",     "124-1", "124.1",   "999",     "1000"};
  for (size_t i = 0; i < ordered.size(); ++i) {
    for (size_t j = 0; j < ordered.size(); ++j)
      EXPECT_EQ(compare_versions(ordered[i], ordered[j]) <=> 0, i <=> j)
          << ordered[i] << " and " << ordered[j];
  }
}

TEST(VersionOrder, KernelsOfDistributions) {
  EXPECT_TRUE(compare_versions("6.12.10-amd64", "6.12.9-amd64") > 0);
  EXPECT_TRUE(compare_versions("6.1.0-40-amd64", "6.1.0-9-amd64") > 0);
  EXPECT_TRUE(compare_versions("6.12.117+deb13-amd64", "6.12.117+deb12-amd64") > 0);
  EXPECT_TRUE(compare_versions("6.12.0", "0-rescue-5ad9e1c6") > 0);
  EXPECT_TRUE(compare_versions("6.12_1", "6.12 1") == 0);
  EXPECT_TRUE(compare_versions("0007", "7") == 0);
  EXPECT_TRUE(compare_versions("99999999999999999999999999", "100000000000000000000000000") < 0);
}

TEST(BootEntryFile, ReadsEveryField) {
  const auto entry = BootEntryFile::parse(
      "# a comment\n"
      "title  Debian GNU/Linux 13 \r\n"
      "version\t6.12\n"
      "machine-id 0123\nsort-key debian\narchitecture x64\n"
      "linux /debian/6.12/linux\ninitrd /debian/6.12/ucode\ninitrd /debian/6.12/initrd\n"
      "options root=LABEL=x  dyndbg=\"a  b\"\noptions ro\n"
      "devicetree /d\nuki /u.efi\nefi /e.efi\ndevicetree-overlay /o1 /o2\nuki-url http://x/u.efi\n"
      "profile 3\nextra /a.cred\nextra /b c.raw\n"
      "grub_users $grub_users\nnonsense\n\n");
  EXPECT_EQ(entry.title, "Debian GNU/Linux 13");
  EXPECT_EQ(entry.version, "6.12");
  EXPECT_EQ(entry.machine_id, "0123");
  EXPECT_EQ(entry.sort_key, "debian");
  EXPECT_EQ(entry.architecture, "x64");
  EXPECT_EQ(entry.kernel, "/debian/6.12/linux");
  EXPECT_THAT(entry.initrd, ElementsAre("/debian/6.12/ucode", "/debian/6.12/initrd"));
  EXPECT_EQ(entry.options, "root=LABEL=x  dyndbg=\"a  b\" ro");
  EXPECT_EQ(entry.devicetree, "/d");
  EXPECT_EQ(entry.uki, "/u.efi");
  EXPECT_EQ(entry.efi, "/e.efi");
  EXPECT_EQ(entry.devicetree_overlay, "/o1 /o2");
  EXPECT_EQ(entry.uki_url, "http://x/u.efi");
  EXPECT_EQ(entry.profile, "3");
  EXPECT_THAT(entry.extra, ElementsAre("/a.cred", "/b c.raw"));
}

TEST(BootEntryFile, DistinguishesNoOptionsFromEmptyOnes) {
  EXPECT_EQ(BootEntryFile::parse("linux /l\n").options, std::nullopt);
  EXPECT_EQ(BootEntryFile::parse("linux /l\noptions $nothing\n").options, "");
}

TEST(BootEntryFile, ExpandsGrubsVariables) {
  const BootVariables variables = {{"kernelopts", "root=/dev/x ro $tuned"}, {"tuned", "never"}};
  const auto entry =
      BootEntryFile::parse("initrd /i $tuned_initrd\noptions a $kernelopts $tuned_params b\n", variables);
  EXPECT_THAT(entry.initrd, ElementsAre("/i"));
  // What a variable holds is not expanded again.
  EXPECT_EQ(entry.options, "a root=/dev/x ro b");
}

TEST(BootEntryFile, LeavesOutALineWithANul) {
  const auto entry = BootEntryFile::parse(std::string_view("title a\0b\nlinux /l\n", 19));
  EXPECT_EQ(entry.title, "");
  EXPECT_EQ(entry.kernel, "/l");
}

TEST(BootEntryFile, AssignmentsLoseTheirQuotes) {
  EXPECT_THAT(parse_assignments("ID=debian\nPRETTY_NAME=\"Debian 13\"\nVERSION='13'\n=x\nrubbish\nQ=\"\n"),
              testing::UnorderedElementsAre(Pair("ID", "debian"), Pair("PRETTY_NAME", "Debian 13"),
                                            Pair("VERSION", "13"), Pair("Q", "\"")));
}

TEST(BootFileName, CountsTries) {
  const auto parse = [](std::string_view name) {
    const auto parsed = BootFileName::parse(name);
    return std::pair(parsed.id, parsed.tries_left ? static_cast<int>(*parsed.tries_left) : -1);
  };
  EXPECT_THAT(parse("a.conf"), Pair("a.conf", -1));
  EXPECT_THAT(parse("a+3.conf"), Pair("a.conf", 3));
  EXPECT_THAT(parse("a+0-3.efi"), Pair("a.efi", 0));
  EXPECT_THAT(parse("6.12.1+deb13-amd64.conf"), Pair("6.12.1+deb13-amd64.conf", -1));
  EXPECT_THAT(parse("a+3-x.conf"), Pair("a+3-x.conf", -1));
  EXPECT_THAT(parse("a+.conf"), Pair("a+.conf", -1));
  EXPECT_THAT(parse("+1"), Pair("", 1));
}

TEST(BootEntryFile, PathsStayBelowTheirRoot) {
  EXPECT_EQ(path_below("/boot", "/linux"), "/boot/linux");
  EXPECT_EQ(path_below("/boot", "linux"), "/boot/linux");
  EXPECT_EQ(path_below("/boot", "\\EFI\\Linux\\a.efi"), "/boot/EFI/Linux/a.efi");
  EXPECT_EQ(path_below("/boot", "/../../etc/passwd"), "/boot/etc/passwd");
  EXPECT_EQ(path_below("/boot", "a/b/../../../c"), "/boot/c");
}

class BootEntries : public testing::Test {
 protected:
  void put(const std::string& name, std::string_view text) const {
    const auto path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    write_file_atomically(path, as_byte_span(text), 0600).value();
  }
  void put_kernel(const std::string& name) const { put(name, as_text(test::build_bzimage())); }
  void put_uki(const std::string& name, const std::string& os_release) const {
    put(name, as_text(test::build_uki({.sections = {test::uki_section(".osrel", os_release),
                                                    test::uki_section(".cmdline", "from the image"),
                                                    {.name = ".linux", .bytes = test::build_bzimage()}}})));
  }
  void put_entry(const std::string& name, const std::string& more) const {
    put("efi/loader/entries/" + name, "linux /linux\ninitrd /initrd\n" + more);
  }
  void put_variable(const std::string& name, const std::string& value) const {
    std::string bytes("\7\0\0\0", 4);
    for (const char c : value) (bytes += c) += '\0';
    bytes += std::string(2, '\0');
    put("sys/firmware/efi/efivars/" + name + "-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", bytes);
  }
  void SetUp() override {
    put_kernel("efi/linux");
    put("efi/initrd", "070701");
    std::filesystem::create_directories(folder_.path() / "boot");
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  [[nodiscard]] BootPaths paths() const {
    return {.roots = {path("efi"), path("boot"), path("none")}, .sys = path("sys"), .proc = path("proc")};
  }
  std::vector<std::string> ids() {
    std::vector<std::string> names;
    skipped_.clear();
    for (const auto& entry : find_boot_entries(paths(), &skipped_)) names.push_back(entry.id);
    return names;
  }
  [[nodiscard]] std::string chosen() const {
    const auto entry = default_boot_entry(paths());
    return entry ? entry->id : entry.error().to_string();
  }
  std::vector<std::string> skipped_;

 private:
  TempDir folder_ = TempDir::create("boot-entry-test").value();
};

TEST_F(BootEntries, AnEntryOfTypeOne) {
  put_entry("a.conf", "title A kernel\noptions root=/dev/x\n");
  const auto entry = default_boot_entry(paths()).value();
  EXPECT_EQ(entry.id, "a.conf");
  EXPECT_EQ(entry.title, "A kernel");
  EXPECT_EQ(entry.kernel, path("efi/linux"));
  EXPECT_THAT(entry.initramfs, ElementsAre(path("efi/initrd")));
  EXPECT_EQ(entry.command_line, "root=/dev/x");
  EXPECT_FALSE(entry.unified);
  EXPECT_EQ(entry.source, path("efi/loader/entries/a.conf"));
}

TEST_F(BootEntries, AUnifiedImage) {
  put_uki("efi/EFI/Linux/deb.efi", "PRETTY_NAME=\"Debian 13\"\nID=debian\nVERSION_ID=13\n");
  const auto entry = default_boot_entry(paths()).value();
  EXPECT_EQ(entry.id, "deb.efi");
  EXPECT_EQ(entry.title, "Debian 13");
  EXPECT_TRUE(entry.unified);
  EXPECT_EQ(entry.command_line, std::nullopt);
  EXPECT_THAT(entry.initramfs, IsEmpty());
}

TEST_F(BootEntries, AUnifiedImageNamedByAnEntry) {
  put_uki("efi/u.efi", "ID=x\n");
  put("efi/loader/entries/own.conf", "uki /u.efi\n");
  put("efi/loader/entries/given.conf", "efi \\u.efi\noptions mine\n");
  const auto entries = find_boot_entries(paths());
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries[0].id, "own.conf");
  EXPECT_EQ(entries[0].command_line, std::nullopt);
  EXPECT_EQ(entries[1].command_line, "mine");
  EXPECT_TRUE(entries[1].unified);
}

TEST_F(BootEntries, SortedByTheSpecification) {
  put_entry("z.conf", "version 9\n");
  put_entry("a-10.conf", "version 1\n");
  put_entry("a-9.conf", "version 2\n");
  put_entry("k1.conf", "sort-key fedora\nversion 40\n");
  put_entry("k2.conf", "sort-key debian\nmachine-id b\nversion 1\n");
  put_entry("k3.conf", "sort-key debian\nmachine-id a\nversion 6.9\n");
  put_entry("k4.conf", "sort-key debian\nmachine-id a\nversion 6.12\n");
  put_entry("c+2-1.conf", "");
  put_entry("c.conf", "");
  EXPECT_THAT(ids(), ElementsAre("k4.conf", "k3.conf", "k2.conf", "k1.conf", "z.conf", "c.conf", "c.conf",
                                 "a-10.conf", "a-9.conf"));
  EXPECT_THAT(skipped_, IsEmpty());
}

TEST_F(BootEntries, WhatIsNoUseIsLeftOutWithTheReason) {
  put_entry("arm.conf", "architecture aa64\n");
  put_entry("spent+0-3.conf", "");
  put_entry("gone.conf", "initrd /nothing\n");
  put_entry("tree.conf", "devicetree /d\n");
  put("efi/loader/entries/none.conf", "title x\n");
  put("efi/loader/entries/missing.conf", "linux /nothing\n");
  put("efi/loader/entries/script.conf", "linux /script\n");
  put("efi/script", "#!/bin/sh\n");
  put("efi/loader/entries/huge.conf", std::string(kLargestBootEntryFile + 1, 'x'));
  put("efi/EFI/Linux/bad.efi", "MZ");
  put("boot/vmlinuz-6.1", "");
  EXPECT_THAT(ids(), IsEmpty());
  EXPECT_THAT(skipped_, testing::UnorderedElementsAre(HasSubstr("aa64"), HasSubstr("tries"),
                                                      HasSubstr("efi/nothing"), HasSubstr("device tree"),
                                                      HasSubstr("names no kernel"), HasSubstr("there is no"),
                                                      HasSubstr("is not a kernel"), HasSubstr("huge.conf"),
                                                      HasSubstr("bad.efi"), HasSubstr("vmlinuz-6.1")));
  EXPECT_THAT(chosen(),
              AllOf(HasSubstr("no kernel to boot"), HasSubstr("aa64"), HasSubstr("lifeboat load KERNEL")));
}

TEST_F(BootEntries, AnEntryCannotLeaveItsPartition) {
  put_kernel("secret");
  put("efi/loader/entries/x.conf", "linux /../secret\n");
  EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(BootEntries, KernelsByTheirVersion) {
  for (const std::string version : {"6.1.0-9-amd64", "6.1.0-40-amd64", "linux", "6.12"})
    put_kernel("boot/vmlinuz-" + version);
  put_kernel("boot/vmlinuz-7.0.old");
  put_kernel("boot/vmlinuz-7.1");  // being installed: no initramfs yet
  put("boot/initrd.img-6.1.0-9-amd64", "");
  put("boot/initrd.img-6.1.0-40-amd64", "");
  put("boot/initramfs-linux.img", "");
  put("boot/initrd-6.12", "");
  EXPECT_THAT(
      ids(), ElementsAre("vmlinuz-6.12", "vmlinuz-6.1.0-40-amd64", "vmlinuz-6.1.0-9-amd64", "vmlinuz-linux"));
  EXPECT_THAT(skipped_, ElementsAre(AllOf(HasSubstr("vmlinuz-7.1"), HasSubstr("no initramfs"))));
  const auto entry = default_boot_entry(paths()).value();
  EXPECT_EQ(entry.command_line, std::nullopt);
  EXPECT_FALSE(entry.unified);
  EXPECT_THAT(entry.initramfs, ElementsAre(path("boot/initrd-6.12")));
}

TEST_F(BootEntries, AKernelIsFoundByItsNameWhateverEntriesThereAre) {
  put_kernel("boot/vmlinuz-linux-lts");
  put("boot/initramfs-linux-lts.img", "070701");
  put_kernel("boot/vmlinuz-6.12.117+deb12-amd64");
  put("boot/initrd.img-6.12.117+deb12-amd64", "070701");
  put("boot/loader/entries/lts.conf", "linux /vmlinuz-linux-lts\n");
  const auto named = named_kernel(paths(), "linux-lts");
  ASSERT_TRUE(named) << named.error().to_string();
  EXPECT_EQ(named->kernel, path("boot/vmlinuz-linux-lts"));
  EXPECT_THAT(named->initramfs, ElementsAre(path("boot/initramfs-linux-lts.img")));
  EXPECT_TRUE(named_kernel(paths(), "6.12.117+deb12-amd64"));
}

TEST_F(BootEntries, ANameWithoutKernelIsAnError) {
  const auto none = named_kernel(paths(), "linux-zen");
  EXPECT_EQ(none.error().code, ErrorCode::not_found);
  EXPECT_THAT(none.error().message, AllOf(HasSubstr(path("boot/vmlinuz-linux-zen")), HasSubstr("kernel-")));
  for (const char* name : {"", "../../etc/passwd", "a/b"})
    EXPECT_EQ(named_kernel(paths(), name).error().code, ErrorCode::usage) << name;
}

TEST_F(BootEntries, EntriesComeBeforePlainKernelsAndStandForThem) {
  put_kernel("boot/vmlinuz-9");
  put("boot/initrd-9", "");
  put_kernel("boot/vmlinuz-8");
  put("boot/initrd-8", "");
  put("boot/loader/entries/eight.conf", "linux /vmlinuz-8\n");
  EXPECT_THAT(ids(), ElementsAre("eight.conf", "vmlinuz-9"));
}

TEST_F(BootEntries, PathsWithBootInThem) {
  put_kernel("boot/vmlinuz-8");
  put("boot/loader/entries/eight.conf", "linux /boot/vmlinuz-8\n");
  EXPECT_EQ(default_boot_entry(paths()).value().kernel, path("boot/vmlinuz-8"));
}

TEST_F(BootEntries, OneFolderUnderTwoNamesCountsOnce) {
  put_entry("a.conf", "");
  std::filesystem::remove(path("boot"));
  std::filesystem::create_directory_symlink(path("efi"), path("boot"));
  EXPECT_THAT(ids(), ElementsAre("a.conf"));
}

TEST_F(BootEntries, WhoNamesTheDefault) {
  for (const char* name : {"a.conf", "b.conf", "c.conf", "d.conf", "e.conf"}) put_entry(name, "");
  EXPECT_EQ(chosen(), "e.conf");
  put("boot/grub2/grubenv", "# GRUB Environment Block\nsaved_entry=d\n###");
  EXPECT_EQ(chosen(), "d.conf");
  put("efi/loader/loader.conf", "timeout 3\ndefault C*\n");
  EXPECT_EQ(chosen(), "c.conf");
  put_variable("LoaderEntryDefault", "b.conf");
  EXPECT_EQ(chosen(), "b.conf");
  put_variable("LoaderEntryOneShot", "a.conf");
  EXPECT_EQ(chosen(), "a.conf");
  put_variable("LoaderEntryOneShot", "not-there.conf");
  EXPECT_EQ(chosen(), "b.conf");
  put_variable("LoaderEntryDefault", "@saved");
  EXPECT_EQ(chosen(), "c.conf");
  put_variable("LoaderEntryLastBooted", "d.conf");
  EXPECT_EQ(chosen(), "d.conf");
}

TEST_F(BootEntries, VariablesThatMakeNoSenseNameNothing) {
  put_entry("a.conf", "");
  put_entry("b.conf", "");
  const std::string name = "sys/firmware/efi/efivars/LoaderEntryDefault-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
  for (const auto& bytes : {std::string(), std::string("\7\0\0\0", 4), std::string("\7\0\0\0a", 5),
                            std::string("\7\0\0\0a\1\0\0", 8), std::string(5000, 'a')}) {
    put(name, bytes);
    EXPECT_EQ(chosen(), "b.conf");
  }
}

}  // namespace
}  // namespace lifeboat
