// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/capture_source.h"

#include <utility>

#include "capture/engine/pfn_ranges.h"
#include "src/vmcore/dump_kernel.h"
#include "src/vmcore/page_class.h"

namespace lifeboat {

Result<KernelMemory> CaptureSource::view() const {
  return kernel_of(dump, memory);
}

void CaptureSource::lead_with(std::vector<uint64_t> pages) {
  leading = std::move(pages);
  PfnRanges ranges(leading.size());
  for (const uint64_t pfn : leading) ranges.add({pfn, pfn + 1});
  leading_ranges = ranges.take();
}

const EssentialPages& CaptureSource::essential_pages() {
  if (essential) return *essential;
  essential = find_essential_pages(*kernel);
  PfnRanges all(kMaxEssentialRanges + leading_ranges.size());
  for (const auto& range : essential->ranges) all.add(range);
  for (const auto& range : leading_ranges) all.add(range);
  essential->ranges = all.take();
  return *essential;
}

int CaptureSource::level() const {
  return dump.info().dump_level.value_or(0) & kLevelAll;
}

}  // namespace lifeboat
