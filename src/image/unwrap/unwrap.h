// SPDX-License-Identifier: GPL-2.0-or-later
// Removes the wrappers of a kernel: gzip, bzip2, xz, lzma, zstd, lz4, a unified kernel image, EFI zboot, in
// any order. The result is a bzImage, a vmlinux or an arm64 Image. Does not check whether it can be loaded
// here.
#pragma once

#include <string>

#include "src/base/error.h"
#include "src/base/size.h"
#include "src/image/kernel_file.h"
#include "src/image/unwrap/uki_extras.h"

namespace lifeboat {

// Limits against decompression bombs.
struct UnwrapLimits {
  size_t depth = 4;  // wrappers around one kernel; zboot counts with its compression as one
  // Bytes out of all compressed layers together; of small files less: see image/unpacked_size.h. A vmlinux
  // with debug information has up to 500 MB.
  uint64_t unpacked = 512_MiB;
};

// read_kernel_file(), then unwrap_kernel().
Result<KernelFile> open_kernel_file(const std::string& path, const UkiExtras& extras = {});

// `file` as read_kernel_file() gives it. Left as it is when it has no wrapper; else `fd` becomes a sealed
// memfd of the kernel. A unified kernel image inside another is refused: it has two initramfs to choose from.
// `extras` are for a unified kernel image; another kernel has no use for them.
Result<KernelFile> unwrap_kernel(KernelFile file, const UnwrapLimits& limits = {},
                                 const UkiExtras& extras = {});

}  // namespace lifeboat
