// SPDX-License-Identifier: GPL-2.0-or-later
// Leaves out the parts of mem_map that describe only pages left out: most of it, on a large machine. Such a
// dump still has everything of the pages that it has; but a tool cannot say what the others were used for.
#pragma once

#include <span>
#include <vector>

#include "capture/engine/stored_bits.h"
#include "src/vmcore/mem_map.h"

namespace lifeboat {

struct MemMapSource {
  const KernelMemory& kernel;
  const MemMap& mem_map;
  const std::vector<PhysicalRange>& ram;
  uint64_t max_pfn = 0;
};

// A page of mem_map is left out if every page frame whose struct page has a byte in it is RAM, and not set in
// `stored`. Clears the bits of such pages, but not those of `keep`, and returns how many. A page of mem_map
// that several places of it share is kept: the kernel does so with the tails of hugetlb pages
// (mm/hugetlb_vmemmap.c). So is one whose place in memory cannot be determined. An error is one of `stored`.
Result<uint64_t> leave_out_mem_map(const MemMapSource& source, StoredBits& stored,
                                   std::span<const PfnRange> keep);

}  // namespace lifeboat
