// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/image.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/bzimage_builder.h"

namespace lifeboat {
namespace {

using namespace std::literals;
using testing::HasSubstr;

ImageKind kind_of(std::string_view text) {
  return identify_image(as_byte_span(text));
}

void put(std::string& text, size_t offset, std::string_view bytes) {
  text.replace(offset, bytes.size(), bytes);
}

// A PE file with one section of this name.
std::string pe_file(std::string_view section) {
  std::string file(1024, '\0');
  put(file, 0, "MZ");
  put(file, 0x3c, "\x80\x00\x00\x00"sv);
  put(file, 0x80, "PE\0\0"sv);
  put(file, 0x80 + 6, "\x02\x00"sv);   // two sections
  put(file, 0x80 + 20, "\xf0\x00"sv);  // the optional header's size
  const size_t table = 0x80 + 24 + 0xf0;
  put(file, table, ".text");
  put(file, table + 40, section);
  return file;
}

std::string elf_file(unsigned char elf_class, uint16_t type, uint16_t machine) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = elf_class;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = type;
  header.e_machine = machine;
  return std::string(as_text(object_bytes(header)));
}

TEST(Image, MagicsOfCompressionsAndCpio) {
  EXPECT_EQ(kind_of("\x1f\x8b\x08"), ImageKind::gzip);
  EXPECT_EQ(kind_of("BZh9"), ImageKind::bzip2);
  EXPECT_EQ(kind_of("\xfd"
                    "7zXZ\0\0"sv),
            ImageKind::xz);
  EXPECT_EQ(kind_of("\x5d\0\0\x80"sv), ImageKind::lzma);
  EXPECT_EQ(kind_of("\x89LZO\0"sv), ImageKind::lzop);
  EXPECT_EQ(kind_of("\x02\x21\x4c\x18"), ImageKind::lz4);
  EXPECT_EQ(kind_of("\x28\xb5\x2f\xfd"), ImageKind::zstd);
  EXPECT_EQ(kind_of("\x04\x22\x4d\x18"), ImageKind::lz4_frame);
  EXPECT_EQ(kind_of("070701"), ImageKind::cpio);
  EXPECT_EQ(kind_of("070702"), ImageKind::cpio);
}

TEST(Image, WhatIsNothing) {
  EXPECT_EQ(kind_of(""), ImageKind::empty);
  EXPECT_EQ(kind_of("\x1f"), ImageKind::unknown);
  EXPECT_EQ(kind_of("MZ"), ImageKind::unknown);
  EXPECT_EQ(kind_of("#!/bin/sh\n"), ImageKind::unknown);
}

TEST(Image, BzImageIsRecognisedEvenAsAnEfiProgram) {
  auto file = test::build_bzimage();
  EXPECT_EQ(identify_image(file), ImageKind::bzimage);
  file[0] = std::byte{'M'};
  file[1] = std::byte{'Z'};
  EXPECT_EQ(identify_image(file), ImageKind::bzimage);
  EXPECT_NE(identify_image(ByteSpan(file).first(0x205)), ImageKind::bzimage);
  EXPECT_NE(identify_image(test::build_bzimage({.boot_flag = 0x55aa})), ImageKind::bzimage);
  EXPECT_NE(identify_image(test::build_bzimage({.header = "HdrX"})), ImageKind::bzimage);
}

TEST(Image, EfiPrograms) {
  EXPECT_EQ(kind_of(pe_file(".linux")), ImageKind::uki);
  EXPECT_EQ(kind_of(pe_file(".data")), ImageKind::efi_program);
  EXPECT_EQ(kind_of("MZ\0\0zimg"sv), ImageKind::efi_zboot);
  std::string arm64(64, '\0');
  put(arm64, 0x38, "ARM\x64");
  EXPECT_EQ(kind_of(arm64), ImageKind::arm64_image);
}

TEST(Image, PeHeaderOutsideOfTheFile) {
  auto far = pe_file(".linux");
  put(far, 0x3c, "\xff\xff\xff\xff"sv);
  EXPECT_EQ(kind_of(far), ImageKind::unknown);
  auto table = pe_file(".linux");
  put(table, 0x80 + 20, "\xff\xff"sv);
  EXPECT_EQ(kind_of(table), ImageKind::efi_program);
}

TEST(Image, Elf) {
  EXPECT_EQ(kind_of(elf_file(ELFCLASS64, ET_EXEC, EM_X86_64)), ImageKind::elf_vmlinux);
  EXPECT_EQ(kind_of(elf_file(ELFCLASS64, ET_DYN, EM_AARCH64)), ImageKind::elf_vmlinux);
  EXPECT_EQ(kind_of(elf_file(ELFCLASS64, ET_DYN, EM_X86_64)), ImageKind::elf_other);
  EXPECT_EQ(kind_of(elf_file(ELFCLASS64, ET_REL, EM_X86_64)), ImageKind::elf_other);
  EXPECT_EQ(kind_of(elf_file(ELFCLASS32, ET_EXEC, EM_386)), ImageKind::elf_other);
  EXPECT_EQ(kind_of("\177ELF\2\1"), ImageKind::elf_other);
}

TEST(Image, RefusalNamesWhatItIsAndTheFix) {
  const auto swapped = not_a_loadable_kernel("file", ImageKind::cpio);
  EXPECT_EQ(swapped.code, ErrorCode::unsupported);
  EXPECT_THAT(swapped.message, HasSubstr("an uncompressed initramfs"));
  EXPECT_THAT(swapped.fix, HasSubstr("kernel first"));
  EXPECT_THAT(not_a_loadable_kernel("file", ImageKind::uki).fix, HasSubstr("objcopy"));
  EXPECT_THAT(not_a_loadable_kernel("file", ImageKind::elf_vmlinux).fix, HasSubstr("bzImage"));
  EXPECT_THAT(not_a_loadable_kernel("file", ImageKind::unknown).fix, HasSubstr("/boot/vmlinuz"));
  EXPECT_THAT(not_a_loadable_kernel("file", ImageKind::gzip).fix, HasSubstr("decompress a kernel first"));
  EXPECT_THAT(not_a_loadable_kernel("file", ImageKind::arm64_image).fix, HasSubstr("x86_64"));
}

// A kernel, a wrapper of one, or neither; never two of them.
TEST(Image, KernelsAndWrappers) {
  for (const auto kind : {ImageKind::bzimage, ImageKind::elf_vmlinux, ImageKind::arm64_image})
    EXPECT_TRUE(is_kernel(kind) && !is_kernel_wrapper(kind)) << image_kind_name(kind);
  for (const auto kind :
       {ImageKind::gzip, ImageKind::lz4, ImageKind::lz4_frame, ImageKind::uki, ImageKind::efi_zboot})
    EXPECT_TRUE(!is_kernel(kind) && is_kernel_wrapper(kind)) << image_kind_name(kind);
  for (const auto kind :
       {ImageKind::empty, ImageKind::unknown, ImageKind::elf_other, ImageKind::efi_program, ImageKind::cpio})
    EXPECT_TRUE(!is_kernel(kind) && !is_kernel_wrapper(kind)) << image_kind_name(kind);
}

TEST(Image, InitramfsKinds) {
  for (const auto kind : {ImageKind::cpio, ImageKind::gzip, ImageKind::xz, ImageKind::zstd})
    EXPECT_TRUE(is_initramfs(kind)) << image_kind_name(kind);
  for (const auto kind :
       {ImageKind::bzimage, ImageKind::empty, ImageKind::unknown, ImageKind::uki, ImageKind::lz4_frame})
    EXPECT_FALSE(is_initramfs(kind)) << image_kind_name(kind);
}

}  // namespace
}  // namespace lifeboat
