// SPDX-License-Identifier: GPL-2.0-or-later
// The buddy allocator's own lists of free blocks (zone->free_area, include/linux/mmzone.h), by the offsets in
// VMCOREINFO: for kernels whose struct pages do not show which pages are free. Slower than a walk over
// mem_map, and worth less after a crash: a list may be damaged, or was being changed.
#pragma once

#include <functional>
#include <string>

#include "src/vmcore/mem_map.h"

namespace lifeboat {

struct FreeListStatistics {
  uint64_t blocks = 0;
  uint64_t pages = 0;
  uint64_t damaged = 0;      // lists that end, from both sides, at something that cannot be a free block
  std::string first_damage;  // what, in the first of these
};

// Called once for each block, in the order of the lists. False ends the walk.
using FreeBlockVisitor = std::function<bool(uint64_t pfn, uint64_t pages)>;

// All migrate types (also the blocks of CMA areas) of all zones of all nodes. A block counts if its
// neighbours point to it, its struct page has its order, and it is aligned to its size; so a walk ends
// whatever the memory contains. Needs the addresses of the nodes: contig_page_data or node_data in
// VMCOREINFO, else the kernel's symbols. `not_found` names what is missing.
Result<FreeListStatistics> walk_free_lists(const KernelMemory& memory, const MemMap& map,
                                           const FreeBlockVisitor& visit);

}  // namespace lifeboat
