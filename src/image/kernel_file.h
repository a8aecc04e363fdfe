// SPDX-License-Identifier: GPL-2.0-or-later
// A file that somebody wants to boot: opened once, so that what was checked is what is loaded. Its wrappers
// come off in image/unwrap/unwrap.h, a library of its own: lifeboat-init needs no decompressor.
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
  // The kernel itself, for kexec_file_load(2). When nothing was taken off this is the file that was opened:
  // IMA reads its extended attributes. Else a memfd that can no longer change.
  UniqueFd fd;
  std::vector<ImageKind> wrappers;      // what was taken off, outermost first: uki, gzip, ...; empty: nothing
  ImageKind kind = ImageKind::unknown;  // of `bytes`: is_kernel() or is_kernel_wrapper()
  std::vector<std::byte> bytes;         // what `fd` holds

  // What else a unified kernel image held.
  std::optional<std::vector<std::byte>> initramfs;  // .ucode and .initrd, joined
  std::optional<std::string> command_line;          // .cmdline: one line, no space at its ends
  std::optional<std::string> os_release;            // .osrel
  std::optional<std::string> release;               // .uname
};

// Opens `path` (a regular file; a FIFO is refused, not waited for) and reads it; takes nothing off, so that
// `kind` may be a wrapper. Fails for what is larger than any kernel, and for what is neither a kernel nor a
// wrapper of one, telling what it is instead.
Result<KernelFile> read_kernel_file(const std::string& path);

// The release that the kernel itself names, else the one beside it in a unified kernel image; empty when
// neither does. `file` holds a bare kernel.
std::string kernel_file_release(const KernelFile& file);

// One line: "an x86 kernel (bzImage) 6.12.1, unwrapped from: a gzip-compressed file".
std::string describe_kernel_file(const KernelFile& file);

// A memfd with these bytes, sealed against every change.
Result<UniqueFd> sealed_memory_file(const std::string& name, ByteSpan bytes);

}  // namespace lifeboat
