// SPDX-License-Identifier: GPL-2.0-or-later
// The memory that the drivers on the way to the targets take in the capture kernel.
#pragma once

#include <cstdint>
#include <vector>

#include "src/arming/recipe.h"
#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/reservation/driver_needs.h"

namespace lifeboat::arming {

// What a loaded module occupies: its sections that the kernel keeps or needs to start it (SHF_ALLOC). Of
// bytes that are not an ELF file with sections: their number.
uint64_t module_memory(ByteSpan elf);

// One for each driver on the way to a target, each module counted once.
Result<std::vector<reservation::DriverUse>> driver_uses(const Recipe& recipe);

}  // namespace lifeboat::arming
