// SPDX-License-Identifier: GPL-2.0-or-later
// The pages without which no tool can read a dump. They are saved at every level, whatever their struct
// pages say: a stale flag there once cost the kernel's own data. They are
// - the kernel's image, _text to _end, without the parts that the kernel gave back when it had started,
// - the per-CPU areas: the static variables, and the dynamic ones right behind them (mm/percpu.c),
// - the kernel's own page tables.
#pragma once

#include <string>
#include <vector>

#include "src/dump/dump.h"
#include "src/vmcore/kernel_memory.h"

namespace lifeboat {

struct EssentialPages {
  std::vector<PfnRange> ranges;  // in order, with gaps between them; at most kMaxEssentialRanges
  // What could not be determined, one line each. Those pages are kept or left out like all others.
  std::vector<std::string> warnings;
};

inline constexpr size_t kMaxEssentialRanges = size_t{1} << 17;

// Takes time and memory that do not depend on the size of the machine, whatever the memory contains. Needs
// the kernel's symbols (kallsyms); without them the image is what is mapped around _stext.
EssentialPages find_essential_pages(const KernelMemory& kernel);

}  // namespace lifeboat
