// SPDX-License-Identifier: GPL-2.0-or-later
// Which page frames are RAM, as bits.
#pragma once

#include <optional>
#include <vector>

#include "src/base/bytes.h"
#include "src/dump/dump.h"

namespace lifeboat {

// Sets in `bits`, LSB first, all zero, those of the page frames [first, end) that are in `ram`, which is in
// order. A page frame that is RAM only in part counts: an extra page does no harm.
void fill_ram_bits(const std::vector<PhysicalRange>& ram, PageSize page_size, uint64_t first, uint64_t end,
                   MutableByteSpan bits);

// The first chunk (kChunkPages) at or behind `pfn`, the beginning of one, that has any RAM below `max_pfn`:
// its first page frame.
std::optional<uint64_t> next_chunk_with_ram(const std::vector<PhysicalRange>& ram, PageSize page_size,
                                            uint64_t pfn, uint64_t max_pfn);

}  // namespace lifeboat
