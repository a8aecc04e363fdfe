// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel file to load. It is opened once, so that the checked file is the loaded file. Wrappers are removed
// by image/unwrap/unwrap.h, a separate library: lifeboat-init needs no decompressor.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/base/file.h"
#include "src/image/image.h"

namespace lifeboat {

struct KernelFile {
  std::string name;  // the path, for messages
  // The kernel itself, for kexec_file_load(2). Without wrappers this is the opened file: IMA reads its
  // extended attributes. Else a memfd that can no longer change.
  UniqueFd fd;
  std::vector<ImageKind> wrappers;      // the removed wrappers, outermost first: uki, gzip, ...
  ImageKind kind = ImageKind::unknown;  // of `bytes`: is_kernel() or is_kernel_wrapper()
  std::vector<std::byte> bytes;         // what `fd` holds

  // What else a unified kernel image held.
  std::optional<std::vector<std::byte>> initramfs;  // .ucode and .initrd, joined
  std::optional<std::string> command_line;          // .cmdline: one line, no space at its ends
  std::optional<std::string> os_release;            // .osrel
  std::optional<std::string> release;               // .uname
  std::string addon_parameters;    // .cmdline of its addons: behind whatever command line it is given
  std::vector<std::string> notes;  // which addons are applied, and what is not used: a line each

  // A cpio archive of the boot entry's other files: behind whatever initramfs is loaded.
  std::optional<std::vector<std::byte>> entry_archive;
};

// Opens and reads `path` (a regular file; a FIFO is refused without blocking); removes no wrapper, so `kind`
// may be one. Fails for a file that is too large for a kernel, and for a file that is neither a kernel nor a
// wrapper of one; the error names its format.
Result<KernelFile> read_kernel_file(const std::string& path);

// The release in the kernel itself, else the one in its unified kernel image; empty when neither has one.
// `file` holds a bare kernel.
std::string kernel_file_release(const KernelFile& file);

// One line: "an ELF kernel (vmlinux) 6.12.1, unwrapped from: a gzip-compressed file".
std::string describe_kernel_file(const KernelFile& file);

// A memfd with these bytes, sealed against every change.
Result<UniqueFd> sealed_memory_file(const std::string& name, ByteSpan bytes);

}  // namespace lifeboat
