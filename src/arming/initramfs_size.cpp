// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/initramfs_size.h"

namespace lifeboat::arming {

Result<InitramfsSize> initramfs_size(const Recipe& recipe) {
  Recipe plain = recipe;
  plain.compression = InitramfsCompression::none;
  const auto archive = TRY(carry_out(plain));
  const auto packed = TRY(compress_initramfs(archive, recipe.compression));
  return InitramfsSize{.packed = packed.size(), .unpacked = archive.size()};
}

}  // namespace lifeboat::arming
