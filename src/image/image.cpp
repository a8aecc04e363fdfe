// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/image.h"

#include <algorithm>

namespace lifeboat {
namespace {

bool has(ByteSpan bytes, uint64_t offset, std::string_view magic) {
  const auto part = slice(bytes, offset, magic.size(), "magic");
  return part && as_text(*part) == magic;
}

// A section of that name in the table of a PE file (Microsoft PE/COFF specification).
bool has_pe_section(ByteSpan bytes, std::string_view name) {
  constexpr uint64_t kCoffHeader = 20, kSectionHeader = 40, kNameSize = 8;
  const auto pe = load<uint32_t>(bytes, 0x3c, "e_lfanew");
  if (!pe || !has(bytes, *pe, std::string_view("PE\0\0", 4))) return false;
  const uint64_t coff = uint64_t{*pe} + 4;
  const auto sections = load<uint16_t>(bytes, coff + 2, "NumberOfSections");
  const auto optional_size = load<uint16_t>(bytes, coff + 16, "SizeOfOptionalHeader");
  if (!sections || !optional_size) return false;
  const uint64_t table = coff + kCoffHeader + *optional_size;
  for (uint64_t index = 0; index < *sections; ++index) {
    const auto field = slice(bytes, table + index * kSectionHeader, kNameSize, "section name");
    if (!field) return false;
    if (text_until_nul(*field) == name) return true;
  }
  return false;
}

bool is_text(ByteSpan bytes) {
  const auto start = as_text(bytes.first(std::min<size_t>(bytes.size(), 256)));
  return std::ranges::all_of(start, [](char c) { return c == '\n' || c == '\r' || c == '\t' || (c >= 0x20 && c < 0x7f); });
}

}  // namespace

ImageKind identify_image(ByteSpan bytes) {
  using enum ImageKind;
  if (bytes.empty()) return empty;
  struct Magic {
    uint64_t offset;
    std::string_view bytes;
    ImageKind kind;
  };
  using namespace std::string_view_literals;
  constexpr Magic kMagics[] = {
      {0, "\x7f" "ELF"sv, elf},
      {0x202, "HdrS"sv, bzimage},      // Documentation/arch/x86/boot.rst; kernels with an EFI stub are PE files too
      {4, "zimg"sv, efi_zboot},        // drivers/firmware/efi/libstub/zboot-header.S
      {0x38, "ARM\x64"sv, arm64_image},  // Documentation/arch/arm64/booting.rst
      {0, "\x1f\x8b"sv, gzip},
      {0, "\xfd" "7zXZ\0"sv, xz},
      {0, "\x28\xb5\x2f\xfd"sv, zstd},
      {0, "\x02\x21\x4c\x18"sv, lz4},  // the legacy frame, which the kernel uses
      {0, "\x04\x22\x4d\x18"sv, lz4},
      {0, "\x5d\0\0"sv, lzma},
      {0, "BZh"sv, bzip2},
      {0, "\x89LZO\0"sv, lzo},
      {0, "070701"sv, cpio},
      {0, "070702"sv, cpio},
      {0, "KDUMP   "sv, kdump},
      {0, "makedumpfile\0"sv, kdump},
  };
  if (has_pe_section(bytes, ".linux")) return uki;
  for (const auto& magic : kMagics) {
    if (has(bytes, magic.offset, magic.bytes)) return magic.kind;
  }
  if (has(bytes, 0, "MZ")) return pe;
  if (has(bytes, 0x1fe, "\x55\xaa")) return old_x86;
  return is_text(bytes) ? text : unknown;
}

std::string_view image_kind_name(ImageKind kind) {
  switch (kind) {
    case ImageKind::unknown: return "no file of a kind that is known";
    case ImageKind::empty: return "an empty file";
    case ImageKind::bzimage: return "a bzImage";
    case ImageKind::old_x86: return "a boot sector without the Linux boot protocol";
    case ImageKind::elf: return "an ELF file";
    case ImageKind::uki: return "a unified kernel image";
    case ImageKind::pe: return "an EFI program without a kernel in it";
    case ImageKind::efi_zboot: return "a compressed EFI kernel image of another architecture";
    case ImageKind::arm64_image: return "an arm64 kernel image";
    case ImageKind::gzip: return "a gzip file";
    case ImageKind::xz: return "an xz file";
    case ImageKind::zstd: return "a zstd file";
    case ImageKind::lz4: return "an lz4 file";
    case ImageKind::lzma: return "an lzma file";
    case ImageKind::bzip2: return "a bzip2 file";
    case ImageKind::lzo: return "an lzop file";
    case ImageKind::cpio: return "a cpio archive (an initramfs?)";
    case ImageKind::kdump: return "a dump";
    case ImageKind::text: return "a text file";
  }
  return "unknown";
}

}  // namespace lifeboat
