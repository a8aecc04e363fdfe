// SPDX-License-Identifier: GPL-2.0-or-later
// How much memory the capture initramfs takes.
#pragma once

#include "src/arming/recipe.h"

namespace lifeboat::arming {

struct InitramfsSize {
  uint64_t packed = 0;    // bytes of the file
  uint64_t unpacked = 0;  // bytes of the archive in it
};

// Of the initramfs that the recipe describes: it is built in memory to measure it.
Result<InitramfsSize> initramfs_size(const Recipe& recipe);

}  // namespace lifeboat::arming
