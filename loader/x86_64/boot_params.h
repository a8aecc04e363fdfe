// SPDX-License-Identifier: GPL-2.0-or-later
// The zero page and the data that it points to: a boot loader's parameters for an x86 kernel
// (Documentation/arch/x86/boot.rst and zero-page.rst).
#pragma once

#include <string>
#include <vector>

#include "loader/x86_64/machine_facts.h"
#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat::x86_64 {

struct BootFacts {
  ByteSpan bzimage;  // whose setup header is taken over; empty: a vmlinux, which has none
  std::string command_line;
  MemoryRange initramfs;  // physical; empty: none
  std::vector<MemoryMapEntry> memory_map;
  std::vector<std::byte> random_seed;  // for the new kernel's first moments; empty: none
};

// The bytes of a segment that begins at physical `address`: boot_params, behind it the command line, the EFI
// memory map and the setup_data chain (the rest of a memory map of more than 128 entries, EFI tables, a
// random seed). Their size does not depend on `address`. Screen, EDID, EDD, EFI and ACPI are passed on from
// the running kernel.
Result<std::vector<std::byte>> build_boot_params(const BootFacts& facts, const MachineFacts& machine,
                                                 uint64_t address);

}  // namespace lifeboat::x86_64
