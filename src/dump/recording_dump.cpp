// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/recording_dump.h"

#include <algorithm>

namespace lifeboat {

std::vector<uint64_t> PageRecord::checked(uint64_t max_pfn) const {
  std::vector<uint64_t> found;
  std::unordered_set<uint64_t> seen;
  const auto filled = std::span(pages).first(std::min<uint64_t>(count, kMostPages));
  for (const uint64_t pfn : filled) {
    if (pfn < max_pfn && seen.insert(pfn).second) found.push_back(pfn);
  }
  return found;
}

Result<> RecordingDump::read(uint64_t physical_address, MutableByteSpan out) {
  TRY_VOID(dump_->read(physical_address, out));
  if (out.empty()) return {};
  const PageSize page_size = dump_->page_size();
  const uint64_t last = page_size.frame(physical_address + out.size() - 1);
  for (uint64_t pfn = page_size.frame(physical_address); pfn <= last; ++pfn) note(pfn);
  return {};
}

void RecordingDump::note(uint64_t pfn) {
  if (record_.count == PageRecord::kMostPages) {
    if (!noted_.contains(pfn)) record_.overflow = 1;
    return;
  }
  if (!noted_.insert(pfn).second) return;
  record_.pages[record_.count] = pfn;
  ++record_.count;
}

}  // namespace lifeboat
