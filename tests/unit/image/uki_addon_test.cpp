// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/uki_addon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/image/unwrap/unwrap.h"
#include "tests/support/bzimage_builder.h"
#include "tests/support/results.h"
#include "tests/support/uki_builder.h"

namespace lifeboat {
namespace {

using test::build_uki;
using test::code_of;
using test::uki_section;
using test::UkiFields;
using test::UkiSection;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

NamedFile addon(const std::string& name, const std::vector<UkiSection>& sections) {
  return {name, build_uki({.sections = sections})};
}

NamedFile text_file(const std::string& name, std::string_view text) {
  const ByteSpan bytes = as_byte_span(text);
  return {name, {bytes.begin(), bytes.end()}};
}

Result<KernelFile> load_with(const UkiExtras& extras) {
  auto sections = test::usual_uki_sections();
  sections.push_back(uki_section(".ucode", "070701 ucode of image "));
  KernelFile file;
  file.name = "linux.efi";
  file.bytes = build_uki({.sections = sections});
  return unwrap_kernel(std::move(file), {}, extras);
}

TEST(UkiAddon, PartsStandInTheOrderOfSystemdStub) {
  const auto file = load_with(
      {.initramfs = {text_file("entry", "070701 of entry ")},
       .addons = {addon("a", {uki_section(".cmdline", " a=1\n"), uki_section(".ucode", "070701 ucode a__ "),
                              uki_section(".initrd", "070701 initrd a_ ")}),
                  addon("b", {uki_section(".cmdline", "b=2"), uki_section(".ucode", "070701 ucode b__ "),
                              uki_section(".initrd", "070701 initrd b_ ")})}});
  ASSERT_TRUE(file) << test::why(file);
  std::string text(as_text(file->initramfs.value()));
  std::erase(text, '\0');
  EXPECT_EQ(text,
            "070701 ucode b__ 070701 ucode a__ 070701 ucode of image 070701 of entry 070701 an initramfs"
            "070701 initrd a_ 070701 initrd b_ ");
  EXPECT_EQ(file->addon_parameters, "a=1 b=2");
  EXPECT_EQ(file->command_line, "root=/dev/vda rw");
  EXPECT_THAT(file->notes, ElementsAre(AllOf(HasSubstr("addon a "), HasSubstr("is applied")),
                                       AllOf(HasSubstr("addon b "), HasSubstr("is applied"))));
}

TEST(UkiAddon, WhatCannotBeUsedIsLeftOutWithTheReason) {
  const std::vector<UkiSection> usual = {uki_section(".cmdline", "a=1")};
  const auto reason = [&](NamedFile file, AddonSignature signature = AddonSignature::not_needed) {
    const auto loaded = load_with({.addons = {std::move(file)}, .signature = signature});
    if (!loaded) return test::why(loaded);
    EXPECT_EQ(loaded->addon_parameters, "");
    return loaded->notes.size() == 1 ? loaded->notes.front() : std::string("no note");
  };
  EXPECT_THAT(reason({"x", {}}), HasSubstr("x is not applied: it is not an EFI program"));
  EXPECT_THAT(reason({"x", {std::byte{'M'}, std::byte{'Z'}}}), HasSubstr("not applied"));
  EXPECT_THAT(reason(addon("x", {uki_section(".text", "code")})), HasSubstr("none of the sections"));
  EXPECT_THAT(reason(addon("x", {uki_section(".cmdline", "")})), HasSubstr("none of the sections"));
  EXPECT_THAT(reason(addon("x", {uki_section(".cmdline", "a=1"), {".linux", test::build_bzimage()}})),
              HasSubstr("holds a kernel"));
  EXPECT_THAT(reason(addon("x", {uki_section(".cmdline", "a=1"), uki_section(".uname", "6.13")})),
              HasSubstr("for the kernel 6.13"));
  EXPECT_THAT(reason({"x", build_uki({.sections = usual, .machine = 0xaa64})}), HasSubstr("architecture"));
  EXPECT_THAT(reason(addon("x", usual), AddonSignature::needed), HasSubstr("no signature"));
  auto outside = usual;
  outside.front().raw_offset = 0xffffffff;
  EXPECT_THAT(reason(addon("x", outside)), HasSubstr("do not fit"));
}

TEST(UkiAddon, OneForThisKernelOrSignedIsApplied) {
  const std::vector<UkiSection> usual = {uki_section(".cmdline", "a=1"),
                                         uki_section(".uname", "6.12.1-test\n")};
  EXPECT_EQ(load_with({.addons = {addon("x", usual)}})->addon_parameters, "a=1");
  const NamedFile with_signature = {"x", build_uki({.sections = usual, .certificate_bytes = 8})};
  EXPECT_EQ(load_with({.addons = {with_signature}, .signature = AddonSignature::needed})->addon_parameters,
            "a=1");
}

TEST(UkiAddon, ADeviceTreeIsReported) {
  const auto file = load_with({.addons = {addon("x", {uki_section(".dtb", "tree")})}});
  ASSERT_TRUE(file) << test::why(file);
  EXPECT_THAT(file->notes,
              ElementsAre(HasSubstr("applied"), AllOf(HasSubstr("device tree"), HasSubstr(" x "))));
}

TEST(UkiAddon, AnInitramfsThatIsNoneIsAnError) {
  EXPECT_EQ(code_of(load_with({.addons = {addon("x", {uki_section(".initrd", "hello")})}})),
            ErrorCode::unsupported);
}

TEST(UkiAddon, EveryTruncationIsRefused) {
  const auto whole = build_uki({.sections = {uki_section(".cmdline", "a=1")}});
  const UkiParts image{.machine = 0x8664};
  // The last section's padding is no content.
  for (size_t size = 0; size + 512 < whole.size(); size += 7)
    ASSERT_FALSE(read_uki_addon(ByteSpan(whole).first(size), image, AddonSignature::not_needed)) << size;
  EXPECT_TRUE(read_uki_addon(whole, image, AddonSignature::not_needed));
}

}  // namespace
}  // namespace lifeboat
