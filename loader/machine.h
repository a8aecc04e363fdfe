// SPDX-License-Identifier: GPL-2.0-or-later
// The data about this machine that a kernel loaded by kexec_load(2) needs, on every architecture: with this
// call the running kernel does not pass it on. Read only from files, so that a dry run works on a copy of
// another machine's files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loader/kernel_mapping.h"
#include "loader/memory_map.h"
#include "loader/system_state.h"
#include "src/base/error.h"

namespace lifeboat {

// A note that the kernel keeps in memory for the dump: a CPU's registers, or VMCOREINFO.
struct CoreNote {
  uint64_t address = 0;  // physical
  uint64_t size = 0;
};

struct Machine {
  // Of the running kernel, bytes: it accepts only segments of whole pages.
  uint64_t page_size = 0;
  std::vector<Resource> resources;
  std::vector<MemoryRange> crash_reservation;  // crash_reservation() of the resources
  std::vector<MemoryRange>
      crash_cma;  // crashkernel=,cma: RAM for the capture kernel besides, not for loading

  std::vector<CoreNote> cpu_notes;  // of the CPUs that /sys names, in the order of their numbers
  std::optional<CoreNote> vmcoreinfo;
  KernelMapping mapping;
  // The kernel rewrites the ELF core headers on CPU and memory hotplug (CONFIG_CRASH_HOTPLUG); it needs this
  // much memory for them.
  std::optional<uint64_t> elfcorehdr_size;

  std::string command_line;  // the running kernel's
};

// That of the running kernel, bytes.
uint64_t running_page_size();

// crashkernel=,cma: the ranges that the running kernel names below `sys`. Empty: none, or a kernel without
// them.
std::vector<MemoryRange> read_crash_cma(const std::string& sys);

class LoadArchitecture;
// An error only for /proc/iomem, without which nothing can be placed. Other data that cannot be read is left
// out: the plan fails or warns where it needs that data.
Result<Machine> read_machine(const SystemPaths& paths, const LoadArchitecture& architecture);

}  // namespace lifeboat
