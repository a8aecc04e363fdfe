// SPDX-License-Identifier: GPL-2.0-or-later
// What a capture reads from: the dump, its memory, and what is known of the kernel in it.
#pragma once

#include <optional>
#include <vector>

#include "capture/engine/essential_pages.h"
#include "capture/engine/locked_memory.h"
#include "src/dump/dump.h"
#include "src/vmcore/kernel_memory.h"

namespace lifeboat {

// The kernel may be unknown: then nothing can be filtered by its struct pages.
struct CaptureSource {
  // `opened` must outlive it.
  explicit CaptureSource(Dump& opened) : dump(opened), memory(opened), kernel(view()) {}
  // Of the kernel's memory, for one thread.
  [[nodiscard]] Result<KernelMemory> view() const;
  // The page frames whose data are to come first: the report has read them.
  void lead_with(std::vector<uint64_t> pages);
  // The pages that no level leaves out, what the report reads among them. Looked for at the first call.
  const EssentialPages& essential_pages();
  // What the source itself left out.
  [[nodiscard]] int level() const;

  Dump& dump;
  mutable LockedMemory memory;  // reading changes no contents
  Result<KernelMemory> kernel;
  std::vector<uint64_t> leading;         // page frames whose data come first in the file
  std::vector<PfnRange> leading_ranges;  // the same, in order
  std::optional<EssentialPages> essential;
};

}  // namespace lifeboat
