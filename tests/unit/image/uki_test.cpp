// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/uki.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/image/unwrap/unwrap.h"
#include "tests/support/bzimage_builder.h"
#include "tests/support/compressors.h"
#include "tests/support/results.h"
#include "tests/support/uki_builder.h"

namespace lifeboat {
namespace {

using test::build_uki;
using test::uki_section;
using test::UkiFields;
using test::UkiSection;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

Result<KernelFile> unwrap(const UkiFields& fields) {
  KernelFile file;
  file.name = "linux.efi";
  file.bytes = build_uki(fields);
  return unwrap_kernel(std::move(file));
}
std::string refusal(const UkiFields& fields) {
  const auto file = unwrap(fields);
  if (!file && file.error().fix.empty()) return "no hint";
  return file ? "accepted" : file.error().to_string();
}
UkiFields usual() {
  return {.sections = test::usual_uki_sections()};
}
// The usual sections, with one of them changed.
UkiFields with(std::string_view name, const std::function<void(UkiSection&)>& change) {
  auto fields = usual();
  for (auto& section : fields.sections) {
    if (section.name == name) change(section);
  }
  return fields;
}
std::string initramfs_of(const KernelFile& file) {
  return file.initramfs ? std::string(as_text(*file.initramfs)) : "none";
}

TEST(Uki, EverySectionOfAValidOne) {
  const auto file = unwrap(usual());
  ASSERT_TRUE(file) << test::why(file);
  EXPECT_EQ(file->kind, ImageKind::bzimage);
  EXPECT_EQ(file->bytes, test::build_bzimage());
  EXPECT_THAT(file->wrappers, ElementsAre(ImageKind::uki));
  EXPECT_EQ(initramfs_of(*file), "070701 an initramfs");
  EXPECT_THAT(file->command_line, Optional(std::string("root=/dev/vda rw")));
  EXPECT_THAT(file->os_release, Optional(std::string("ID=test\nVERSION_ID=1\n")));
  EXPECT_THAT(file->release, Optional(std::string("6.12.1-test")));
  EXPECT_TRUE(file->fd.valid());
}

TEST(Uki, OnlyTheKernelMustBeThere) {
  const auto file = unwrap({.sections = {{".linux", test::build_bzimage()}}});
  ASSERT_TRUE(file) << test::why(file);
  EXPECT_FALSE(file->initramfs || file->command_line || file->os_release || file->release);
  EXPECT_THAT(refusal({.sections = {{".linux", {}}}}), HasSubstr(".linux is empty or missing"));
}

TEST(Uki, ContentIsTheSmallerOfBothSizes) {
  // Room that the section has in memory only.
  EXPECT_EQ(unwrap(with(".linux", [](auto& s) { s.virtual_size = 1 << 20; })).value().bytes.size(),
            align_up(test::build_bzimage().size(), 512));
  EXPECT_EQ(initramfs_of(unwrap(with(".initrd", [](auto& s) { s.virtual_size = 6; })).value()), "070701");
  EXPECT_EQ(initramfs_of(unwrap(with(".initrd", [](auto& s) { s.raw_size = 6; })).value()), "070701");
  EXPECT_EQ(initramfs_of(unwrap(with(".initrd", [](auto& s) { s.virtual_size = 0; })).value()), "none");
}

TEST(Uki, SectionsOutsideOfTheFile) {
  for (const char* name : {".linux", ".initrd", ".cmdline", ".osrel", ".uname"}) {
    EXPECT_THAT(refusal(with(name, [](auto& s) { s.raw_offset = 0xffffffff; })), HasSubstr("do not fit"))
        << name;
    EXPECT_THAT(refusal(with(name, [](auto& s) { s.virtual_size = s.raw_size = 0xffffffff; })),
                HasSubstr("do not fit"))
        << name;
  }
  // One that nobody wants.
  EXPECT_EQ(refusal(with(".text", [](auto& s) { s.raw_offset = 0xffffffff; })), "accepted");
}

TEST(Uki, OneSpoiltHeaderFieldEach) {
  const auto spoilt = [](auto change) {
    auto fields = usual();
    change(fields);
    return refusal(fields);
  };
  EXPECT_THAT(spoilt([](auto& f) { f.signature = "NE"; }), HasSubstr("not a kernel"));
  EXPECT_THAT(spoilt([](auto& f) { f.magic = 0x10b; }), HasSubstr("not a 64-bit EFI program"));
  EXPECT_THAT(spoilt([](auto& f) { f.optional_header_size = 0; }), HasSubstr("optional PE header"));
  EXPECT_THAT(spoilt([](auto& f) { f.section_count = 0; }), HasSubstr("not a kernel"));
  EXPECT_THAT(spoilt([](auto& f) { f.section_count = 0xffff; }), HasSubstr("table of PE sections"));
}

TEST(Uki, EveryTruncationIsRefused) {
  const auto whole = build_uki(usual());
  // The last section's padding is no content.
  for (size_t size = 0; size + 512 < whole.size(); size += 13) {
    KernelFile file;
    file.name = "linux.efi";
    file.bytes.assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto cut = unwrap_kernel(std::move(file));
    ASSERT_FALSE(cut) << size;
    ASSERT_FALSE(cut.error().fix.empty()) << size;
  }
}

TEST(Uki, FirstOfTwoCounts) {
  auto fields = usual();
  fields.sections.push_back(uki_section(".cmdline", "second"));
  fields.sections.push_back(uki_section(".dtbauto", "a device tree"));
  fields.sections.push_back(uki_section(".dtbauto", "another"));
  EXPECT_EQ(unwrap(fields).value().command_line, "root=/dev/vda rw");
}

TEST(Uki, ProfileZeroStandsBeforeTheBase) {
  auto fields = usual();
  fields.sections.push_back(uki_section(".profile", "ID=main"));
  fields.sections.push_back(uki_section(".cmdline", "of profile 0"));
  fields.sections.push_back(uki_section(".profile", "ID=reset"));
  fields.sections.push_back(uki_section(".cmdline", "of profile 1"));
  fields.sections.push_back(uki_section(".initrd", "070701 of profile 1"));
  const auto file = unwrap(fields).value();
  EXPECT_EQ(file.command_line, "of profile 0");
  EXPECT_EQ(initramfs_of(file), "070701 an initramfs");
}

UkiFields with_profiles() {
  auto fields = usual();
  for (const auto& section :
       {uki_section(".profile", "ID=main"), uki_section(".cmdline", "of profile 0"),
        uki_section(".profile", "ID=reset\nTITLE=Factory reset\n"), uki_section(".cmdline", "of profile 1"),
        uki_section(".initrd", "070701 of profile 1"), uki_section(".profile", "ID=bare")})
    fields.sections.push_back(section);
  return fields;
}

TEST(Uki, AnotherProfileStandsBeforeTheBase) {
  const auto with_profile = [](unsigned number) {
    KernelFile file;
    file.name = "linux.efi";
    file.bytes = build_uki(with_profiles());
    return unwrap_kernel(std::move(file), {}, {.profile = number});
  };
  const auto first = with_profile(1);
  ASSERT_TRUE(first) << test::why(first);
  EXPECT_EQ(first->command_line, "of profile 1");
  EXPECT_EQ(initramfs_of(*first), "070701 of profile 1");
  EXPECT_EQ(first->release, "6.12.1-test") << "of the base";
  // Of the base, not of another profile.
  EXPECT_EQ(with_profile(2).value().command_line, "root=/dev/vda rw");
  EXPECT_EQ(with_profile(2).value().bytes, test::build_bzimage());
  for (const unsigned number : {3U, 4U, UINT32_MAX}) {
    const auto none = with_profile(number);
    EXPECT_EQ(test::code_of(none), ErrorCode::not_found) << number;
    EXPECT_THAT(none.error().fix, HasSubstr("profile"));
  }
}

TEST(Uki, ReadsWhatTheProfileIsCalled) {
  const auto bytes = build_uki(with_profiles());
  EXPECT_EQ(read_uki(bytes)->profile_count, 3U);
  EXPECT_EQ(read_uki(bytes, 1)->profile, "ID=reset\nTITLE=Factory reset\n");
  EXPECT_EQ(read_uki(build_uki(usual()))->profile_count, 0U);
  EXPECT_EQ(read_uki(build_uki(usual()))->profile, std::nullopt);
  EXPECT_EQ(test::code_of(read_uki(build_uki(usual()), 1)), ErrorCode::not_found);
}

TEST(Uki, ADeviceTreeIsReported) {
  auto fields = usual();
  EXPECT_TRUE(unwrap(fields)->notes.empty());
  fields.sections.push_back(uki_section(".dtbauto", "tree"));
  EXPECT_THAT(unwrap(fields)->notes, ElementsAre(HasSubstr("device tree")));
}

TEST(Uki, MicrocodeComesBeforeTheInitramfs) {
  auto fields = usual();
  fields.sections.push_back(uki_section(".ucode", "070701 microcode"));
  EXPECT_EQ(initramfs_of(unwrap(fields).value()), "070701 microcode070701 an initramfs");
  EXPECT_THAT(refusal(with(".initrd", [](auto& s) { s = uki_section(".initrd", "hello"); })),
              HasSubstr("section .initrd is not an initramfs"));
}

TEST(Uki, TextsAreMadeFitToBeUsed) {
  const auto command_line = [](std::string_view text) {
    return unwrap(with(".cmdline", [&](auto& s) { s = uki_section(".cmdline", text); })).value().command_line;
  };
  EXPECT_EQ(command_line({"quiet\0rest", 10}), "quiet");
  EXPECT_EQ(command_line(" \n a\nb\tc \n"), "a b c");
  EXPECT_EQ(command_line("\n"), "");
  const auto uname = [](std::string_view text) {
    return refusal(with(".uname", [&](auto& s) { s = uki_section(".uname", text); }));
  };
  EXPECT_EQ(uname("6.1\n"), "accepted");
  EXPECT_THAT(uname("../../etc"), HasSubstr(".uname"));
  EXPECT_THAT(uname("6.1\x1b[2J"), HasSubstr(".uname"));
}

TEST(Uki, TheKernelMayBeWrappedAgain) {
  const auto packed = test::compressed(ImageKind::zstd, test::build_bzimage());
  const auto file = unwrap(with(".linux", [&](auto& s) { s.bytes = packed; }));
  ASSERT_TRUE(file) << test::why(file);
  EXPECT_EQ(file->bytes, test::build_bzimage());
  EXPECT_THAT(file->wrappers, ElementsAre(ImageKind::uki, ImageKind::zstd));
  EXPECT_EQ(initramfs_of(*file), "070701 an initramfs");

  EXPECT_THAT(refusal(with(".linux", [](auto& s) { s.bytes = build_uki(usual()); })),
              HasSubstr("inside another"));
}

}  // namespace
}  // namespace lifeboat
