// SPDX-License-Identifier: GPL-2.0-or-later
// What a file is that somebody hands over as a kernel, told by its first bytes.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace lifeboat {

enum class ImageKind {
  unknown,
  empty,
  bzimage,       // x86 boot protocol: what kexec_file_load takes
  old_x86,       // a boot sector without the modern header, or a zImage
  elf,           // vmlinux, or any other ELF file
  uki,           // a PE file with a kernel inside (.linux section)
  pe,            // another PE file
  efi_zboot,     // compressed EFI image of arm64, riscv, loongarch
  arm64_image,
  gzip, xz, zstd, lz4, lzma, bzip2, lzo,
  cpio,          // an initramfs, not a kernel
  kdump,         // a dump
  text,
};

ImageKind identify_image(ByteSpan bytes);
// For people: "a bzImage", "an ELF file", ...
std::string_view image_kind_name(ImageKind kind);

}  // namespace lifeboat
