// SPDX-License-Identifier: GPL-2.0-or-later
// What a file that somebody calls a kernel or an initramfs is, told from its bytes and never from its name.
#pragma once

#include <string>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/error.h"

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
  lz4_frame,  // what the lz4 tool writes by itself: fine around a kernel, but not around an initramfs
};

// As many bytes of a file's beginning as identify_image() makes use of.
constexpr size_t kIdentifyBytes = 4096;

// Never fails: what is not recognised, or ends too early to be what it begins as, is `unknown`.
ImageKind identify_image(ByteSpan beginning);
// "an EFI program with a kernel in it (a unified kernel image)"
std::string_view image_kind_name(ImageKind kind);

// One of the compressions that the kernel unpacks (lib/decompress.c): around a kernel or an initramfs, which
// only unpacking tells.
bool is_compressed(ImageKind kind);
// Something that the kernel may accept as an initramfs.
bool is_initramfs(ImageKind kind);
// A bare kernel, of whatever machine.
bool is_kernel(ImageKind kind);
// Something that may hold a kernel, which unwrap_kernel() takes out.
bool is_kernel_wrapper(ImageKind kind);

// Why `name`, which is a `kind`, is not the kernel that is wanted in this place, and what to do instead.
Error not_a_loadable_kernel(std::string_view name, ImageKind kind);

}  // namespace lifeboat
