// SPDX-License-Identifier: GPL-2.0-or-later
// What an x86 kernel file needs in memory, and where, whether it is a bzImage or a vmlinux.
#pragma once

#include <cstdint>
#include <string>

#include "src/base/error.h"
#include "src/image/kernel_file.h"

namespace lifeboat::x86_64 {

struct KernelLayout {
  std::vector<std::byte> bytes;          // as they lie in memory, from the load address on
  uint64_t memory_size = 0;              // that the kernel uses from there on before it has its memory map
  uint64_t preferred = 0;                // load address that it was linked for
  uint64_t alignment = 0;                // of any other load address
  uint64_t entry_offset = 0;             // of the 64-bit entry point, from the load address
  ByteSpan setup_header;                 // the bzImage; empty for a vmlinux
  uint64_t initramfs_max = UINT64_MAX;   // the initramfs ends below
  uint64_t longest_command_line = 2047;  // without the NUL
};

inline constexpr std::string_view kLoadableKernelHint =
    "load an x86_64 kernel with CONFIG_RELOCATABLE=y, as distributions ship it";

// `five_level_paging`: the running kernel would enter it with 5 levels. `unsupported` has the reason.
Result<KernelLayout> layout_kernel(const KernelFile& file, bool crash, bool five_level_paging);

}  // namespace lifeboat::x86_64
