// SPDX-License-Identifier: GPL-2.0-or-later
// Compression of the whole initramfs, as the kernel's decompressors need it.
#pragma once

#include "capture/initramfs/initramfs.h"
#include "src/image/kernel_config.h"

namespace lifeboat {

// Windows are small (1 MiB): the capture kernel allocates one to unpack, and its memory is scarce.
Result<std::vector<std::byte>> compress_initramfs(ByteSpan archive, InitramfsCompression compression);

// The best that the kernel can decompress: zstd, xz, gzip (CONFIG_RD_*), else none.
InitramfsCompression choose_initramfs_compression(const KernelConfig& config);

}  // namespace lifeboat
