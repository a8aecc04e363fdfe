// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel files of the architecture that this program is built for: what distributions install as
// /boot/vmlinuz, and the one format that kexec_file_load(2) takes. Each folder named after an architecture
// has its own; the build selects one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/image/image.h"

namespace lifeboat {

struct NativeFormat {
  ImageKind kind;
  std::string_view name;        // the name that kernel developers use
  std::string_view build_path;  // of such a file in a kernel's build folder
};
const NativeFormat& native_format();

struct NativeKernel {
  // `file` is the whole file, `name` its name in messages. Fails for another format (the error names it) and
  // for a header that is inconsistent or does not fit the file's size.
  static Result<NativeKernel> parse(ByteSpan file, std::string_view name);
  // The same for a file on a disk.
  static Result<NativeKernel> read(const std::string& path);

  std::string release;                // the name of its folder in /lib/modules; empty when the file has none
  uint64_t memory_size = 0;           // that it needs from its load address on, until it has its memory map
  uint64_t alignment = 0;             // of its load address, a power of two; 0: unknown
  uint64_t longest_command_line = 0;  // without the NUL
  // Why it cannot be entered by a kexec at all, and why it cannot run from wherever the crash reservation
  // lies; neither names the file.
  std::optional<Error> no_kexec;
  std::optional<Error> no_capture;
};

// The release of the kernel in file `path`: "6.12.117". An error for another format and for a file that has
// none.
Result<std::string> kernel_release(const std::string& path);

}  // namespace lifeboat
