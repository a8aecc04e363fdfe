// SPDX-License-Identifier: GPL-2.0-or-later
// Walks over the mem_map and reports what each page frame was used for.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "src/vmcore/mem_map.h"
#include "src/vmcore/page_class.h"

namespace lifeboat {

// Pages of a type that this program does not know (page_type.h). They are kept.
struct UnknownPageType {
  uint32_t type = 0;
  uint64_t pages = 0;
  friend bool operator==(const UnknownPageType&, const UnknownPageType&) = default;
};

struct PageScanStatistics {
  uint64_t sections_without_map = 0;
  // Page frames of these, neighbours as one; of one scan, not added up.
  std::vector<PfnRange> without_map;
  uint64_t unreadable_pages = 0;  // their struct page could not be read; reported as `kernel`
  std::string first_error;        // why, for the first of these
  // In the order of the first page of each. Only so many types, since a damaged mem_map may have any number
  // of them; the pages of further types are in `other_unknown_pages`.
  static constexpr size_t kMaxUnknownTypes = 16;
  std::vector<UnknownPageType> unknown_types;
  uint64_t other_unknown_pages = 0;

  void note_unknown_type(uint32_t type, uint64_t pages);
  // Adds what a scan of other page frames has found.
  void add(const PageScanStatistics& other);
};

// Called once a run, in order of page frames, runs not overlapping and together covering the range.
using PageVisitor = std::function<void(uint64_t pfn, uint64_t pages, PageClass page_class)>;

// Whether each page of a free block is looked at. The kernel takes broken pages out of them, but not always
// (take_page_off_buddy(), mm/page_alloc.c): needed where free pages are read.
enum class FreeBlocks : uint8_t { as_a_whole, page_by_page };

// Page frames [first, end). Runs are clipped to the range. A compound page that begins before `first` is seen
// from its tail only and reported as `kernel`: begin at a multiple of the largest compound page (1 GiB).
PageScanStatistics scan_page_classes(const KernelMemory& memory, const MemMap& map,
                                     const PageClassifier& classifier, uint64_t first, uint64_t end,
                                     const PageVisitor& visit,
                                     FreeBlocks free_blocks = FreeBlocks::as_a_whole);

}  // namespace lifeboat
