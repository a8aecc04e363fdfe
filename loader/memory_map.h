// SPDX-License-Identifier: GPL-2.0-or-later
// Physical memory according to /proc/iomem and /sys/firmware/memmap, and the use of each range.
#pragma once

#include <string>
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
// less crash reservation, GART and reserved parts. What a driver has added may be gone in the next kernel.
std::vector<MemoryRange> loadable_ram(const std::vector<Resource>& resources);

// The type of a range in the kernel's memory map (arch/x86/include/asm/e820/types.h).
enum class MemoryType {
  ram,
  reserved,
  acpi_tables,
  acpi_nvs,
  unusable,
  persistent,
  persistent_legacy,
  soft_reserved
};
std::string_view memory_type_name(MemoryType type);
// By the kernel's names in iomem and in firmware/memmap; `reserved` for unknown names.
MemoryType memory_type_of(std::string_view name);

struct MemoryMapEntry {
  MemoryRange range;
  MemoryType type = MemoryType::ram;
  bool operator==(const MemoryMapEntry&) const = default;
};

// The firmware's map, from SYS/firmware/memmap; without that folder, from the resources. Sorted.
std::vector<MemoryMapEntry> firmware_map(const std::string& sys, const std::vector<Resource>& resources);
// The memory map for the capture kernel: its reservation as RAM, the first MiB as it is, and of the rest only
// the ranges that are not RAM (ACPI, reserved). `own` is that RAM.
std::vector<MemoryMapEntry> capture_map(const std::vector<Resource>& resources,
                                        const std::vector<MemoryRange>& own);

}  // namespace lifeboat
