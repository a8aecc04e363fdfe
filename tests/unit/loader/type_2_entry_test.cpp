// SPDX-License-Identifier: GPL-2.0-or-later
// Unified kernel images in EFI/Linux: their profiles, and the files beside them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "loader/entries/boot_entry.h"
#include "loader/entries/uki_companions.h"
#include "src/base/size.h"
#include "tests/support/measured_child.h"
#include "tests/support/uki_builder.h"
#include "tests/unit/loader/boot_folder.h"

namespace lifeboat {
namespace {

using test::uki_section;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class TypeTwoEntry : public test::BootFolder {
 protected:
  void put_with_profiles(const std::string& name) const {
    auto sections = test::usual_uki_sections();
    for (const auto& section :
         {uki_section(".profile", "ID=main\n"), uki_section(".profile", "ID=reset\nTITLE='Factory reset'\n"),
          uki_section(".profile", "ID=\n"), uki_section(".profile", "ID=storage\n")})
      sections.push_back(section);
    put_uki(name, sections);
  }
  std::vector<std::pair<std::string, std::string>> titles() {
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& entry : find_boot_entries(paths(), &skipped_)) found.emplace_back(entry.id, entry.title);
    return found;
  }
  std::vector<std::string> companions(const std::string& image) const {
    std::vector<std::string> found;
    for (const auto& each : find_uki_companions(path("boot/EFI/Linux/" + image), path("boot")))
      found.push_back((each.global ? "global " : "") + each.path.substr(path("boot/").size()));
    return found;
  }
};

TEST_F(TypeTwoEntry, EachProfileIsAnEntryInTheOrderOfItsNumber) {
  put_with_profiles("boot/EFI/Linux/a+3-1.efi");
  put_uki("boot/EFI/Linux/b.efi");
  EXPECT_THAT(
      titles(),
      ElementsAre(Pair("b.efi", "test"), Pair("a.efi", "test"), Pair("a.efi@reset", "test (Factory reset)"),
                  Pair("a.efi@2", "test (Profile #3)"), Pair("a.efi@storage", "test (storage)")));
  const auto entries = find_boot_entries(paths());
  EXPECT_EQ(entries[2].profile, 1U);
  EXPECT_EQ(entries[2].kernel, path("boot/EFI/Linux/a+3-1.efi"));
}

TEST_F(TypeTwoEntry, TheDefaultMayBeAProfile) {
  put_with_profiles("boot/EFI/Linux/a.efi");
  EXPECT_EQ(default_boot_entry(paths())->profile, 0U);
  put("boot/loader/loader.conf", "default a.efi@reset\n");
  EXPECT_EQ(default_boot_entry(paths())->profile, 1U);
  put("boot/loader/loader.conf", "default a.efi\n");
  EXPECT_EQ(default_boot_entry(paths())->profile, 0U);
}

TEST_F(TypeTwoEntry, AnImageThatNamesItsFiles) {
  put_uki("boot/EFI/Linux/nixos.efi", test::linked_uki_sections("\\k", {}, "\\i", {}));
  EXPECT_THAT(titles(), ElementsAre(Pair("nixos.efi", "NixOS")));
}

// A menu reads no kernel and no initramfs.
TEST_F(TypeTwoEntry, AnImageOfAGigabyteCostsLittle) {
  constexpr uint32_t kSize = 1_GiB - 64_KiB;
  put_uki("boot/EFI/Linux/a.efi",
          {uki_section(".osrel", "ID=test\n"),
           {.name = ".linux", .bytes = {}, .virtual_size = kSize, .raw_size = kSize, .raw_offset = 0x4000},
           uki_section(".profile", "ID=main\n"),
           uki_section(".profile", "ID=reset\n")});
  ASSERT_EQ(::truncate(path("boot/EFI/Linux/a.efi").c_str(), off_t{1} << 30), 0);
  put_uki("boot/EFI/Linux/b.efi");
  const auto run = test::run_measured([this]() -> Result<> {
    if (titles().size() != 3) return fail(ErrorCode::corrupt, "not all profiles were found");
    return {};
  });
  EXPECT_EQ(run.code, std::nullopt);
  EXPECT_LT(run.peak_bytes, 64_MiB * test::kCostFactor);
}

TEST_F(TypeTwoEntry, AnAddonIsNoEntry) {
  put("boot/EFI/Linux/x.addon.efi", "MZ");
  put("boot/EFI/Linux/auto-x.efi", "MZ");
  EXPECT_THAT(titles(), IsEmpty());
  EXPECT_THAT(skipped_, IsEmpty());
}

TEST_F(TypeTwoEntry, FilesBesideAnImageInTheOrderOfTheirUse) {
  for (const char* name :
       {"loader/addons/z.addon.efi", "loader/addons/a.ADDON.EFI", "loader/addons/not.cred",
        "loader/addons/.hidden.addon.efi", "loader/credentials/g.cred", "loader/extensions/s.sysext.raw",
        "loader/extensions/c.confext.raw", "EFI/Linux/a.efi.extra.d/1.addon.efi",
        "EFI/Linux/a.efi.extra.d/2.cred", "EFI/Linux/a.efi.extra.d/3.raw",
        "EFI/Linux/a.efi.extra.d/4.confext.raw", "EFI/Linux/a.efi.extra.d/5.addon.efi.bak",
        "EFI/Linux/a.efi.extra.d/sp ace.cred", "EFI/Linux/a+2-1.efi.extra.d/counted.addon.efi",
        "EFI/Linux/b.efi.extra.d/other.addon.efi"})
    put(std::string("boot/") + name, "");
  EXPECT_THAT(companions("a.efi"),
              ElementsAre("global loader/addons/a.ADDON.EFI", "global loader/addons/z.addon.efi",
                          "global loader/credentials/g.cred", "global loader/extensions/c.confext.raw",
                          "global loader/extensions/s.sysext.raw", "EFI/Linux/a.efi.extra.d/1.addon.efi",
                          "EFI/Linux/a.efi.extra.d/2.cred", "EFI/Linux/a.efi.extra.d/3.raw",
                          "EFI/Linux/a.efi.extra.d/4.confext.raw"));
  EXPECT_THAT(companions("a+2-1.efi"), testing::Contains("EFI/Linux/a.efi.extra.d/1.addon.efi"));
  EXPECT_THAT(companions("a+2-1.efi"), testing::Contains("EFI/Linux/a+2-1.efi.extra.d/counted.addon.efi"));
  EXPECT_THAT(find_uki_companions(path("boot/EFI/Linux/a.efi"), ""), testing::SizeIs(4));
}

TEST(CompanionKind, ByTheEndingInAnyCase) {
  EXPECT_EQ(companion_kind("a.addon.efi"), CompanionKind::addon);
  EXPECT_EQ(companion_kind("a.CRED"), CompanionKind::credential);
  EXPECT_EQ(companion_kind("a.confext.raw"), CompanionKind::confext);
  EXPECT_EQ(companion_kind("a.sysext.raw"), CompanionKind::sysext);
  EXPECT_EQ(companion_kind("a.raw"), CompanionKind::sysext);
  for (const char* name : {"", "a", "a.efi", "a.addon.efi.sig", "raw"})
    EXPECT_EQ(companion_kind(name), std::nullopt);
}

}  // namespace
}  // namespace lifeboat
