// SPDX-License-Identifier: GPL-2.0-or-later
// The memory map that the firmware of a PC gives to a kernel (INT 15h, function e820), as it is passed on to
// the next one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/iomem.h"
#include "src/base/memory_range.h"

namespace lifeboat::x86_64 {

// The type of a range (arch/x86/include/asm/e820/types.h).
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

// The names in iomem of what is no RAM although it may lie in it: for loadable_ram().
std::span<const std::string_view> names_of_no_ram();

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

}  // namespace lifeboat::x86_64
