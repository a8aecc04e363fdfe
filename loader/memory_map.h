// SPDX-License-Identifier: GPL-2.0-or-later
// Physical memory according to /proc/iomem, and the use of each range.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "src/base/iomem.h"
#include "src/base/memory_range.h"

namespace lifeboat {

// "Crash kernel": one range, or with crashkernel=,high a low one besides. The last is the one that kernels
// are loaded into (crashk_res): the low one (crashk_low_res) exists only beside one above 4 GiB.
std::vector<MemoryRange> crash_reservation(const std::vector<Resource>& resources);
// All that a dump should hold: "System RAM", also what a driver has added ("System RAM (kmem)",
// "(virtio_mem)"), less the graphics aperture (GART), which hangs some machines when read.
std::vector<MemoryRange> dumpable_ram(const std::vector<Resource>& resources);
// Where the parts of a kernel for a normal kexec may lie: whole pages of "System RAM" at the top of the tree,
// less crash reservation, GART and what has one of the names `no_ram`, which the architecture knows. What a
// driver has added may be gone in the next kernel.
std::vector<MemoryRange> loadable_ram(const std::vector<Resource>& resources,
                                      std::span<const std::string_view> no_ram, uint64_t page_size);

// The whole pages in these ranges.
std::vector<MemoryRange> whole_pages(const std::vector<MemoryRange>& ranges, uint64_t page_size);

}  // namespace lifeboat
