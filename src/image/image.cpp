// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/image.h"

#include <elf.h>

#include <array>

#include "src/base/machine_names.h"
#include "src/image/native_kernel.h"

namespace lifeboat {
namespace {

using namespace std::literals;

bool has_text_at(ByteSpan bytes, uint64_t offset, std::string_view wanted) {
  const auto part = slice(bytes, offset, wanted.size(), "magic");
  return part && as_text(*part) == wanted;
}

struct Magic {
  std::string_view bytes;
  ImageKind kind;
};

// The magic numbers by which the kernel identifies compressions (lib/decompress.c), in the longer form of
// each format where it has one; "newc" from init/initramfs.c.
constexpr std::array kMagics{
    Magic{"\x1f\x8b"sv, ImageKind::gzip},
    Magic{"\x1f\x9e"sv, ImageKind::gzip},
    Magic{"BZh"sv, ImageKind::bzip2},
    Magic{"\xfd"
          "7zXZ\0"sv,
          ImageKind::xz},
    Magic{"\x5d\x00\x00"sv, ImageKind::lzma},
    Magic{"\x89LZO"sv, ImageKind::lzop},
    Magic{"\x02\x21\x4c\x18"sv, ImageKind::lz4},
    Magic{"\x28\xb5\x2f\xfd"sv, ImageKind::zstd},
    Magic{"\x04\x22\x4d\x18"sv, ImageKind::lz4_frame},
    Magic{"070701"sv, ImageKind::cpio},
    Magic{"070702"sv, ImageKind::cpio},
};

ImageKind identify_elf(ByteSpan bytes) {
  const auto header = load<Elf64_Ehdr>(bytes, 0, "ELF header");
  if (!header || header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
    return ImageKind::elf_other;
  // vmlinux is ET_EXEC on x86, and ET_DYN on arm64, where it is linked as position-independent.
  const bool executable =
      header->e_type == ET_EXEC || (header->e_type == ET_DYN && header->e_machine == EM_AARCH64);
  return executable ? ImageKind::elf_vmlinux : ImageKind::elf_other;
}

// Whether the section table of the PE file has a section of this name, as far as the table is in `bytes`.
bool pe_has_section(ByteSpan bytes, uint64_t pe_offset, std::string_view wanted) {
  constexpr uint64_t kSectionCount = 6, kOptionalHeaderSize = 20, kHeadersSize = 24, kSectionSize = 40;
  const auto count = load<uint16_t>(bytes, pe_offset + kSectionCount, "PE header");
  const auto optional_size = load<uint16_t>(bytes, pe_offset + kOptionalHeaderSize, "PE header");
  if (!count || !optional_size) return false;
  uint64_t offset = pe_offset + kHeadersSize + *optional_size;
  for (uint16_t index = 0; index < *count; ++index, offset += kSectionSize) {
    const auto name = slice(bytes, offset, 8, "PE section");
    if (!name) return false;
    if (text_until_nul(*name) == wanted) return true;
  }
  return false;
}

ImageKind identify_dos(ByteSpan bytes) {
  if (has_text_at(bytes, 4, "zimg")) return ImageKind::efi_zboot;
  const auto pe_offset = load<uint32_t>(bytes, 0x3c, "DOS header");
  if (!pe_offset || !has_text_at(bytes, *pe_offset, "PE\0\0"sv)) return ImageKind::unknown;
  // .kernelp: the path of a kernel, in the first versions of lanzaboote.
  const bool unified =
      pe_has_section(bytes, *pe_offset, ".linux") || pe_has_section(bytes, *pe_offset, ".kernelp");
  return unified ? ImageKind::uki : ImageKind::efi_program;
}

}  // namespace

ImageKind identify_image(ByteSpan bytes) {
  if (bytes.empty()) return ImageKind::empty;
  // Before the EFI forms: a bzImage and an arm64 Image with an EFI stub are PE files too.
  if (has_text_at(bytes, 0x1fe, "\x55\xaa"sv) && has_text_at(bytes, 0x202, "HdrS")) return ImageKind::bzimage;
  if (has_text_at(bytes, 0x38, "ARM\x64")) return ImageKind::arm64_image;
  if (has_text_at(bytes, 0, "MZ")) return identify_dos(bytes);
  if (has_text_at(bytes, 0, ELFMAG)) return identify_elf(bytes);
  for (const auto& magic : kMagics) {
    if (has_text_at(bytes, 0, magic.bytes)) return magic.kind;
  }
  return ImageKind::unknown;
}

std::string_view image_kind_name(ImageKind kind) {
  switch (kind) {
    case ImageKind::unknown:
      return "neither a kernel nor an initramfs of a known format";
    case ImageKind::empty:
      return "an empty file";
    case ImageKind::bzimage:
      return "an x86 kernel (bzImage)";
    case ImageKind::elf_vmlinux:
      return "an ELF executable, maybe a vmlinux";
    case ImageKind::elf_other:
      return "an ELF file, but not a 64-bit executable with fixed addresses";
    case ImageKind::arm64_image:
      return "an arm64 kernel (Image)";
    case ImageKind::efi_zboot:
      return "a compressed kernel in an EFI program (zboot)";
    case ImageKind::uki:
      return "a unified kernel image (an EFI program with a kernel inside)";
    case ImageKind::efi_program:
      return "an EFI program without a kernel";
    case ImageKind::cpio:
      return "an uncompressed initramfs (cpio)";
    case ImageKind::gzip:
      return "a gzip-compressed file";
    case ImageKind::bzip2:
      return "a bzip2-compressed file";
    case ImageKind::xz:
      return "an xz-compressed file";
    case ImageKind::lzma:
      return "an lzma-compressed file";
    case ImageKind::lzop:
      return "an lzo-compressed file";
    case ImageKind::lz4:
      return "an lz4-compressed file";
    case ImageKind::zstd:
      return "a zstd-compressed file";
    case ImageKind::lz4_frame:
      return "an lz4-compressed file (in the frame format that the kernel cannot decompress)";
  }
  return "unknown";
}

bool is_compressed(ImageKind kind) {
  switch (kind) {
    case ImageKind::gzip:
    case ImageKind::bzip2:
    case ImageKind::xz:
    case ImageKind::lzma:
    case ImageKind::lzop:
    case ImageKind::lz4:
    case ImageKind::zstd:
      return true;
    default:
      return false;
  }
}

bool is_initramfs(ImageKind kind) {
  return kind == ImageKind::cpio || is_compressed(kind);
}

bool is_kernel(ImageKind kind) {
  return kind == ImageKind::bzimage || kind == ImageKind::elf_vmlinux || kind == ImageKind::arm64_image;
}

bool is_kernel_wrapper(ImageKind kind) {
  return kind == ImageKind::uki || kind == ImageKind::efi_zboot || kind == ImageKind::lz4_frame ||
         is_compressed(kind);
}

namespace {

std::string fix_of(ImageKind kind) {
  switch (kind) {
    case ImageKind::empty:
      return "install that kernel's package again: its file is truncated";
    case ImageKind::elf_vmlinux:
      return fmt::format("name the {} of the same build: /boot/vmlinuz-RELEASE, or {} in its build folder",
                         native_format().name, native_format().build_path);
    case ImageKind::elf_other:
      return fmt::format("name {} or the 64-bit vmlinux of a kernel build", native_format().build_path);
    case ImageKind::arm64_image:
    case ImageKind::efi_zboot:
      return fmt::format("name an {} kernel: /boot/vmlinuz-RELEASE", machine_names().kernel);
    case ImageKind::uki:
      return "extract the kernel and its initramfs first: objcopy -O binary --only-section=.linux UKI "
             "vmlinuz; the same with .initrd";
    case ImageKind::efi_program:
      return "name the kernel file, not a boot loader or a UKI addon: /boot/vmlinuz-RELEASE";
    case ImageKind::cpio:
      return "give the kernel first, and its initramfs with --initrd";
    default:
      if (!is_kernel_wrapper(kind))
        return "name the kernel file as the distribution installs it: /boot/vmlinuz-RELEASE";
      return "give an initramfs with --initrd; decompress a kernel first";
  }
}

}  // namespace

Error not_a_loadable_kernel(std::string_view name, ImageKind kind) {
  return Error(ErrorCode::unsupported, fmt::format("{} is not a kernel that can be loaded here: it is {}",
                                                   name, image_kind_name(kind)))
      .hint(fix_of(kind));
}

}  // namespace lifeboat
