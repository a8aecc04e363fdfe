// SPDX-License-Identifier: GPL-2.0-or-later
// Physical memory as /proc/iomem and /sys/firmware/memmap tell it, and what of it is what.
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

// What a range is to the kernel that is told of it (arch/x86/include/asm/e820/types.h).
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
// By the kernel's own words, in iomem and in firmware/memmap; `reserved` for words that are not known.
MemoryType memory_type_of(std::string_view name);

struct MemoryMapEntry {
  MemoryRange range;
  MemoryType type = MemoryType::ram;
  bool operator==(const MemoryMapEntry&) const = default;
};

// The map that the firmware gave, from SYS/firmware/memmap; without that folder, from the resources. Sorted.
std::vector<MemoryMapEntry> firmware_map(const std::string& sys, const std::vector<Resource>& resources);
// What the capture kernel is told: its reservation as RAM, the first MiB as it is, and of the rest what is
// not RAM (ACPI, reserved). `own` is that RAM.
std::vector<MemoryMapEntry> capture_map(const std::vector<Resource>& resources,
                                        const std::vector<MemoryRange>& own);

}  // namespace lifeboat
