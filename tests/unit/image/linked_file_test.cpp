// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/unwrap/linked_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "src/base/file.h"
#include "src/image/unwrap/unwrap.h"
#include "tests/support/bzimage_builder.h"
#include "tests/support/compressors.h"
#include "tests/support/results.h"
#include "tests/support/uki_builder.h"

namespace lifeboat {
namespace {

namespace fs = std::filesystem;
using test::build_bzimage;
using test::build_uki;
using test::code_of;
using test::uki_section;
using test::UkiSection;
using testing::AllOf;
using testing::HasSubstr;

constexpr std::string_view kInitramfs = "070701 of nixos";

// An image of lanzaboote on its EFI system partition.
class LinkedUki : public testing::Test {
 protected:
  LinkedUki() {
    put("esp/EFI/nixos/kernel-abc.efi", build_bzimage());
    put("esp/EFI/nixos/initrd-abc.efi", kInitramfs);
  }
  [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }
  void put(const std::string& name, ByteSpan bytes) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    ASSERT_TRUE(write_file_atomically(path(name), bytes, 0600));
  }
  void put(const std::string& name, std::string_view text) const { put(name, as_byte_span(text)); }
  static std::vector<UkiSection> sections() {
    return test::linked_uki_sections("\\EFI\\nixos\\kernel-abc.efi", build_bzimage(),
                                     "\\EFI\\nixos\\initrd-abc.efi", as_byte_span(kInitramfs));
  }
  [[nodiscard]] Result<KernelFile> open(const std::vector<UkiSection>& sections) const {
    put("esp/EFI/Linux/nixos.efi", build_uki({.sections = sections}));
    return open_kernel_file(path("esp/EFI/Linux/nixos.efi"));
  }
  // With one section changed.
  [[nodiscard]] Result<KernelFile> open_with(std::string_view name, const UkiSection& changed) const {
    auto all = sections();
    for (auto& section : all)
      if (section.name == name) section = changed;
    return open(all);
  }

 private:
  TempDir folder_ = TempDir::create("linked-test").value();
};

TEST_F(LinkedUki, FilesAreLoadedByTheirPaths) {
  const auto file = open(sections());
  ASSERT_TRUE(file) << test::why(file);
  EXPECT_EQ(file->kind, ImageKind::bzimage);
  EXPECT_EQ(file->bytes, build_bzimage());
  EXPECT_EQ(as_text(file->initramfs.value()), kInitramfs);
  EXPECT_EQ(file->command_line, "init=/nix/store/x/init");
}

TEST_F(LinkedUki, TheNamesOfOlderImages) {
  auto all = sections();
  for (auto& section : all) {
    if (section.name == ".linux") section.name = ".kernelp";
    if (section.name == ".linuxh") section.name = ".kernelh";
    if (section.name == ".initrd") section.name = ".initrdp";
  }
  const auto file = open(all);
  ASSERT_TRUE(file) << test::why(file);
  EXPECT_EQ(file->bytes, build_bzimage());
  EXPECT_EQ(as_text(file->initramfs.value()), kInitramfs);
}

TEST_F(LinkedUki, TheKernelMayBeCompressed) {
  const auto packed = test::compressed(ImageKind::gzip, build_bzimage());
  put("esp/EFI/nixos/kernel-abc.efi", packed);
  const auto file = open(test::linked_uki_sections("/EFI/nixos/kernel-abc.efi", packed,
                                                   "/EFI/nixos/initrd-abc.efi", as_byte_span(kInitramfs)));
  ASSERT_TRUE(file) << test::why(file);
  EXPECT_EQ(file->bytes, build_bzimage());
}

TEST_F(LinkedUki, AnotherFileAtThatPathIsRefused) {
  ASSERT_TRUE(open(sections()));
  put("esp/EFI/nixos/initrd-abc.efi", "070701 of others");
  auto changed = open(sections());
  EXPECT_EQ(code_of(changed), ErrorCode::corrupt);
  EXPECT_THAT(test::why(changed), AllOf(HasSubstr("initrd-abc.efi"), HasSubstr("SHA-256")));
  EXPECT_FALSE(changed.error().fix.empty());
  put("esp/EFI/nixos/initrd-abc.efi", kInitramfs);
  put("esp/EFI/nixos/kernel-abc.efi", build_bzimage({.code_bytes = 100}));
  changed = open(sections());
  EXPECT_EQ(code_of(changed), ErrorCode::corrupt);
  EXPECT_THAT(test::why(changed), HasSubstr("kernel-abc.efi"));
}

TEST_F(LinkedUki, AMissingFileIsNamed) {
  fs::remove(path("esp/EFI/nixos/kernel-abc.efi"));
  const auto file = open(sections());
  EXPECT_EQ(code_of(file), ErrorCode::not_found);
  EXPECT_THAT(test::why(file), HasSubstr("/EFI/nixos/kernel-abc.efi"));
}

TEST_F(LinkedUki, APathEndsAtTheRootOfTheFileSystem) {
  const auto file = open_with(".linux", uki_section(".linux", "\\..\\..\\EFI\\nixos\\.\\kernel-abc.efi"));
  EXPECT_TRUE(file) << test::why(file);
}

TEST_F(LinkedUki, PathsAndDigestsThatAreNone) {
  EXPECT_EQ(code_of(open_with(".linuxh", uki_section(".linuxh", "short"))), ErrorCode::corrupt);
  EXPECT_EQ(code_of(open_with(".linuxh", uki_section(".linuxh", std::string(33, 'x')))), ErrorCode::corrupt);
  EXPECT_EQ(code_of(open_with(".linuxh", uki_section(".linuxh", ""))), ErrorCode::corrupt);
  EXPECT_EQ(code_of(open_with(".initrdh", uki_section(".initrdh", ""))), ErrorCode::corrupt);
  EXPECT_EQ(code_of(open_with(".linux", uki_section(".linux", ""))), ErrorCode::corrupt);
  EXPECT_EQ(code_of(open_with(".linux", uki_section(".linux", "\\EFI\n\\x"))), ErrorCode::corrupt);
  EXPECT_EQ(code_of(open_with(".linux", uki_section(".linux", std::string(2000, 'x')))), ErrorCode::corrupt);
  EXPECT_EQ(code_of(open_with(".linux", uki_section(".linux", "\\"))), ErrorCode::not_found);
  EXPECT_EQ(code_of(open_with(".linux", uki_section(".linux", "\\EFI"))), ErrorCode::not_found);
}

TEST_F(LinkedUki, APathWithoutADigestIsRefused) {
  for (const char* name : {".linuxh", ".initrdh"}) {
    const auto file = open_with(name, uki_section(".other", "x"));
    EXPECT_EQ(code_of(file), ErrorCode::unsupported) << name;
    EXPECT_THAT(test::why(file), HasSubstr("no digest")) << name;
  }
}

TEST_F(LinkedUki, AnImageInMemoryHasNoFileSystem) {
  KernelFile file;
  file.name = path("esp/EFI/Linux/nixos.efi");
  file.bytes = build_uki({.sections = sections()});
  EXPECT_EQ(code_of(unwrap_kernel(std::move(file))), ErrorCode::unsupported);
}

TEST_F(LinkedUki, AKernelThatIsAnImageAgainIsRefused) {
  const auto inner = build_uki({.sections = test::usual_uki_sections()});
  put("esp/EFI/nixos/kernel-abc.efi", inner);
  EXPECT_EQ(code_of(open(test::linked_uki_sections("/EFI/nixos/kernel-abc.efi", inner,
                                                   "/EFI/nixos/initrd-abc.efi", as_byte_span(kInitramfs)))),
            ErrorCode::unsupported);
}

}  // namespace
}  // namespace lifeboat
