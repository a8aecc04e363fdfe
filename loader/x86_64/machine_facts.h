// SPDX-License-Identifier: GPL-2.0-or-later
// What an x86 kernel that is loaded by kexec_load(2) must know about this machine besides what every
// architecture's needs (loader/machine.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "loader/kernel_mapping.h"
#include "loader/system_state.h"
#include "loader/x86_64/e820.h"

namespace lifeboat::x86_64 {

// A descriptor of the EFI memory map with the virtual address that the running kernel gave it.
struct EfiRegion {
  uint64_t type = 0, physical = 0, virtual_address = 0, pages = 0, attribute = 0;
};
struct EfiTables {
  uint64_t fw_vendor = 0, config_table = 0, smbios = 0;  // physical; 0: unknown
  std::vector<EfiRegion> runtime_map;                    // empty: no EFI, or unknown
};

struct MachineFacts {
  std::vector<MemoryMapEntry> firmware_map;
  std::vector<std::byte> boot_params;  // the running kernel's (4096 bytes), or empty
  EfiTables efi;
  uint64_t rsdp = 0;  // physical address of the ACPI root pointer; 0: unknown
  bool five_level_paging = false;
};

// Never fails: what cannot be read is left out.
MachineFacts read_machine_facts(const SystemPaths& paths, const std::vector<Resource>& resources);

// The running kernel's own mapping (arch/x86/mm/init_64.c: __START_KERNEL_map with KASLR's offset), and the
// direct map.
KernelMapping read_mapping(const std::string& proc, const std::vector<Resource>& resources);

}  // namespace lifeboat::x86_64
