// SPDX-License-Identifier: GPL-2.0-or-later
// What a file that somebody calls a kernel or an initramfs is, told from its bytes and never from its name.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace lifeboat {

enum class ImageKind {
  unknown,
  empty,
  bzimage,      // x86 with the Linux boot protocol (Documentation/arch/x86/boot.rst)
  elf_vmlinux,  // ELF, executable, 64-bit
  elf_other,    // a module, a library, a core file, 32-bit
  arm64_image,  // Documentation/arch/arm64/booting.rst
  efi_zboot,    // a compressed kernel in an EFI program (drivers/firmware/efi/libstub/zboot-header.S)
  uki,          // an EFI program with a kernel in its section .linux
  efi_program,  // any other PE file
  cpio,         // an uncompressed initramfs ("newc", with or without checksums)
  gzip,
  bzip2,
  xz,
  lzma,
  lzop,
  lz4,  // the legacy frame, the only one that the kernel unpacks
  zstd,
};

// As many bytes of a file's beginning as identify_image() makes use of.
constexpr size_t kIdentifyBytes = 4096;

// Never fails: what is not recognised, or ends too early to be what it begins as, is `unknown`.
ImageKind identify_image(ByteSpan beginning);
// "an EFI program with a kernel in it (a unified kernel image)"
std::string_view image_kind_name(ImageKind kind);

// One of the compressions (lib/decompress.c): around a kernel or an initramfs, which only unpacking tells.
bool is_compressed(ImageKind kind);
// Something that the kernel may accept as an initramfs.
bool is_initramfs(ImageKind kind);

// Why `name`, which is a `kind`, cannot be loaded as a kernel here, and what to do instead.
Error not_a_loadable_kernel(std::string_view name, ImageKind kind);

}  // namespace lifeboat
