// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/per_cpu.h"

#include <algorithm>

namespace lifeboat {
namespace {

// The largest CONFIG_NR_CPUS that an architecture offers.
constexpr uint32_t kMaxCpus = 8192;

}  // namespace

Result<PerCpu> PerCpu::read(const KernelMemory& memory, const Kallsyms& symbols) {
  const auto found = symbols.addresses_of({"__cpu_possible_mask", "__per_cpu_offset", "nr_cpu_ids"});
  if (!found[0] || !found[1]) {
    return fail(ErrorCode::not_found,
                "per-CPU data cannot be found: no symbol __cpu_possible_mask or __per_cpu_offset");
  }
  // Not a variable when the kernel was built for a fixed number of CPUs.
  uint32_t limit = 64;
  if (found[2]) {
    if (const auto count = memory.read<uint32_t>(*found[2])) limit = std::min(*count, kMaxCpus);
  }
  PerCpu per_cpu;
  for (uint32_t first = 0; first < limit; first += 64) {
    const uint64_t mask = TRY_CONTEXT(memory.read<uint64_t>(*found[0] + first / 8), "__cpu_possible_mask");
    for (uint32_t number = first; number < std::min(first + 64, limit); ++number) {
      if ((mask >> (number % 64) & 1) == 0) continue;
      const uint64_t offset = TRY_CONTEXT(memory.read<uint64_t>(*found[1] + uint64_t{number} * 8),
                                          "__per_cpu_offset of CPU {}", number);
      per_cpu.cpus_.push_back({number, offset});
    }
  }
  if (per_cpu.cpus_.empty()) return fail(ErrorCode::corrupt, "__cpu_possible_mask names no CPU");
  return per_cpu;
}

}  // namespace lifeboat
