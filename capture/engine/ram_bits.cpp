// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/ram_bits.h"

#include <algorithm>

#include "capture/engine/bitmap.h"
#include "capture/engine/stored_bits.h"

namespace lifeboat {

void fill_ram_bits(const std::vector<PhysicalRange>& ram, PageSize page_size, uint64_t first, uint64_t end,
                   MutableByteSpan bits) {
  for (auto at = std::ranges::upper_bound(ram, page_size.address(first), {}, &PhysicalRange::end);
       at != ram.end(); ++at) {
    const PhysicalRange& range = *at;
    if (page_size.frame(range.start) >= end) break;
    const uint64_t from = std::max(page_size.frame(range.start), first);
    const uint64_t to = std::min(page_size.pages(range.end), end);
    if (from < to) fill_bits(bits, from - first, to - from, true);
  }
}

std::optional<uint64_t> next_chunk_with_ram(const std::vector<PhysicalRange>& ram, PageSize page_size,
                                            uint64_t pfn, uint64_t max_pfn) {
  const auto range = std::ranges::upper_bound(ram, page_size.address(pfn), {}, &PhysicalRange::end);
  if (range == ram.end()) return std::nullopt;
  const uint64_t first = std::max(pfn, page_size.frame(range->start) / kChunkPages * kChunkPages);
  return first < max_pfn ? std::optional(first) : std::nullopt;
}

}  // namespace lifeboat
