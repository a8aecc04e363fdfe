// SPDX-License-Identifier: GPL-2.0-or-later
// Which page frames are RAM, as bits.
#pragma once

#include <vector>

#include "src/base/bytes.h"
#include "src/dump/dump.h"

namespace lifeboat {

// Sets in `bits`, LSB first, all zero, those of the page frames [first, end) that are in `ram`, which is in
// order. A page frame that is RAM only in part counts: an extra page does no harm.
void fill_ram_bits(const std::vector<PhysicalRange>& ram, PageSize page_size, uint64_t first, uint64_t end,
                   MutableByteSpan bits);

}  // namespace lifeboat
