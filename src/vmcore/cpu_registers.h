// SPDX-License-Identifier: GPL-2.0-or-later
// The registers that each CPU saved at the crash.
#pragma once

#include <vector>

#include "src/vmcore/kernel_memory.h"
#include "src/vmcore/symbols.h"

namespace lifeboat {

struct CpuRegisters {
  uint32_t cpu = 0;
  int32_t pid = 0;  // of the task that ran, according to the note; 0: the idle task, or unknown
  std::optional<RegisterSet> registers;  // nullopt: that CPU saved none
};
// The per-CPU crash_notes in the dumped kernel's memory, whose CPUs are known (kernel/crash_core.c). If
// no CPU wrote any, as in a dump that a hypervisor made: the NT_PRSTATUS notes of the container, taken in the
// order of CPUs.
Result<std::vector<CpuRegisters>> read_cpu_registers(const KernelMemory& memory, const Kallsyms& symbols,
                                                     ByteSpan container_notes);

// Each NT_PRSTATUS note that is whole, in order.
std::vector<SavedRegisters> parse_prstatus_notes(const Architecture& architecture, ByteSpan notes);

}  // namespace lifeboat
