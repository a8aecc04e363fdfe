// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/capture_source.h"

#include "capture/engine/pfn_ranges.h"
#include "src/vmcore/dump_kernel.h"
#include "src/vmcore/page_class.h"

namespace lifeboat {

Result<KernelMemory> CaptureSource::view() const {
  return kernel_of(dump, memory);
}

const EssentialPages& CaptureSource::essential_pages() {
  if (essential) return *essential;
  essential = find_essential_pages(*kernel);
  PfnRanges all(kMaxEssentialRanges + leading.size());
  for (const auto& range : essential->ranges) all.add(range);
  for (const uint64_t pfn : leading) all.add({pfn, pfn + 1});
  essential->ranges = all.take();
  return *essential;
}

int CaptureSource::level() const {
  return dump.info().dump_level.value_or(0) & kLevelAll;
}

}  // namespace lifeboat
