// SPDX-License-Identifier: GPL-2.0-or-later
// Identifies the format of a kernel or initramfs file by its bytes, never by its name.
#pragma once

#include <string>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/base/size.h"

namespace lifeboat {

enum class ImageKind {
  unknown,
  empty,
  bzimage,      // with the header of the Linux/x86 boot protocol
  elf_vmlinux,  // ELF, executable, 64-bit
  elf_other,    // a module, a library, a core file, 32-bit
  arm64_image,  // with the header of Documentation/arch/arm64/booting.rst
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
  lz4_frame,  // the lz4 tool's default: usable around a kernel, but not around an initramfs
};

// The number of bytes at the beginning of a file that identify_image() uses.
constexpr size_t kIdentifyBytes = 4_KiB;

// Never fails: an unrecognised or truncated format is `unknown`.
ImageKind identify_image(ByteSpan beginning);
// "an EFI program with a kernel in it (a unified kernel image)"
std::string_view image_kind_name(ImageKind kind);

// One of the compressions that the kernel supports (lib/decompress.c): around a kernel or an initramfs; only
// decompressing shows which.
bool is_compressed(ImageKind kind);
// A format that the kernel may accept as an initramfs.
bool is_initramfs(ImageKind kind);
// A bare kernel, of any machine.
bool is_kernel(ImageKind kind);
// A format that may hold a kernel, which unwrap_kernel() extracts.
bool is_kernel_wrapper(ImageKind kind);

// The error for a file `name` of format `kind` in place of a loadable kernel, with a hint.
Error not_a_loadable_kernel(std::string_view name, ImageKind kind);

}  // namespace lifeboat
