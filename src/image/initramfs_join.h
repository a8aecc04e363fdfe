// SPDX-License-Identifier: GPL-2.0-or-later
// Joins several initramfs images. The kernel unpacks them one after the other, later files over earlier ones
// (Documentation/driver-api/early-userspace/buffer-format.rst; unpack_to_rootfs(), init/initramfs.c).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

struct InitramfsPart {
  std::string name;  // the path, for messages
  ByteSpan bytes;
};

// The parts in their order, with zero bytes between them where the kernel needs padding. One part stays as it
// is; no part gives no bytes. `unsupported` for a part that is neither a cpio nor in a compression that the
// kernel supports.
Result<std::vector<std::byte>> join_initramfs(std::span<const InitramfsPart> parts);

}  // namespace lifeboat
