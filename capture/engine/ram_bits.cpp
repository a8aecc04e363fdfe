// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/ram_bits.h"

#include <algorithm>

#include "capture/engine/bitmap.h"

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

}  // namespace lifeboat
