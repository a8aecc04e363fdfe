// SPDX-License-Identifier: GPL-2.0-or-later
// Per-CPU variables: where each CPU's copy lies (include/asm-generic/percpu.h).
#pragma once

#include <vector>

#include "src/vmcore/kernel_memory.h"
#include "src/vmcore/symbols.h"

namespace lifeboat {

class PerCpu {
 public:
  // Reads __cpu_possible_mask and __per_cpu_offset. A copy exists for possible CPUs only: the offsets of the
  // others point to the initial data. `not_found`: no symbols of data (CONFIG_KALLSYMS_ALL).
  static Result<PerCpu> read(const KernelMemory& memory, const Kallsyms& symbols);

  struct Cpu {
    uint32_t number = 0;
    uint64_t offset = 0;
  };
  // In order of number.
  [[nodiscard]] const std::vector<Cpu>& cpus() const { return cpus_; }

 private:
  std::vector<Cpu> cpus_;
};

}  // namespace lifeboat
