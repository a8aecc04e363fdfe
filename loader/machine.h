// SPDX-License-Identifier: GPL-2.0-or-later
// The data about this machine that a kernel loaded by kexec_load(2) needs: with this call the running kernel
// does not pass it on. Read only from files, so that a dry run works on a copy of another machine's files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loader/memory_map.h"
#include "loader/system_state.h"
#include "src/base/error.h"

namespace lifeboat {

// A note that the kernel keeps in memory for the dump: a CPU's registers, or VMCOREINFO.
struct CoreNote {
  uint64_t address = 0;  // physical
  uint64_t size = 0;
};

// The running kernel's own mapping (arch/x86/mm/init_64.c: __START_KERNEL_map with KASLR's offset).
struct KernelText {
  uint64_t virtual_address = 0;
  uint64_t physical = 0;
  uint64_t size = 0;
};

// A descriptor of the EFI memory map with the virtual address that the running kernel gave it.
struct EfiRegion {
  uint64_t type = 0, physical = 0, virtual_address = 0, pages = 0, attribute = 0;
};
struct EfiTables {
  uint64_t fw_vendor = 0, config_table = 0, smbios = 0;  // physical; 0: unknown
  std::vector<EfiRegion> runtime_map;                    // empty: no EFI, or unknown
};

struct Machine {
  std::vector<Resource> resources;
  std::vector<MemoryMapEntry> firmware_map;
  std::vector<MemoryRange> crash_reservation;  // crash_reservation() of the resources
  std::vector<MemoryRange>
      crash_cma;  // crashkernel=,cma: RAM for the capture kernel besides, not for loading

  std::vector<CoreNote> cpu_notes;  // of the CPUs that /sys names, in the order of their numbers
  std::optional<CoreNote> vmcoreinfo;
  std::optional<KernelText> text;
  std::optional<uint64_t> direct_map;  // virtual address of physical address 0
  // The kernel rewrites the ELF core headers on CPU and memory hotplug (CONFIG_CRASH_HOTPLUG); it needs this
  // much memory for them.
  std::optional<uint64_t> elfcorehdr_size;

  std::vector<std::byte> boot_params;  // the running kernel's (4096 bytes), or empty
  EfiTables efi;
  uint64_t rsdp = 0;  // physical address of the ACPI root pointer; 0: unknown
  bool five_level_paging = false;
  std::string command_line;  // the running kernel's
};

// crashkernel=,cma: the ranges that the running kernel names below `sys`. Empty: none, or a kernel without
// them.
std::vector<MemoryRange> read_crash_cma(const std::string& sys);

// An error only for /proc/iomem, without which nothing can be placed. Other data that cannot be read is left
// out: the plan fails or warns where it needs that data.
Result<Machine> read_machine(const SystemPaths& paths);

}  // namespace lifeboat
