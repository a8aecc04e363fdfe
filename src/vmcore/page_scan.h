// SPDX-License-Identifier: GPL-2.0-or-later
// Walks over the mem_map and reports what each page frame was used for.
#pragma once

#include <functional>
#include <string>

#include "src/vmcore/mem_map.h"
#include "src/vmcore/page_class.h"

namespace lifeboat {

struct PageScanStatistics {
  uint64_t sections_without_map = 0;
  uint64_t unreadable_pages = 0;  // their struct page could not be read; reported as `kernel`
  std::string first_error;        // why, for the first of these
};

// Called once a run, in order of page frames, runs not overlapping and together covering the range.
using PageVisitor = std::function<void(uint64_t pfn, uint64_t pages, PageClass page_class)>;

// Page frames [first, end). Runs are clipped to the range. A compound page that begins before `first` is seen
// from its tail only and reported as `kernel`: begin at a multiple of the largest compound page (1 GiB).
PageScanStatistics scan_page_classes(const KernelMemory& memory, const MemMap& map,
                                     const PageClassifier& classifier, uint64_t first, uint64_t end,
                                     const PageVisitor& visit);

}  // namespace lifeboat
