// SPDX-License-Identifier: GPL-2.0-or-later
// Pages whose data come first in the file, before all others: a dump that is cut off behind them still has
// what the report needs. Their descriptors are in order of page frames, as those of all pages, and are
// written at once.
#pragma once

#include <vector>

#include "capture/engine/filter.h"
#include "src/dump/kdump_writer.h"

namespace lifeboat {

class LeadingPages {
 public:
  // No page leads.
  LeadingPages() = default;
  // Those of `pfns` that are stored, in that order. Reads the second bitmap up to the last of them. In front
  // of them, always, the first page of `memory` that can be read: its data begin where all data begin, which
  // is how readers notice a damaged bitmap (KdumpReader, check_data_start()).
  static Result<LeadingPages> find(const std::vector<uint64_t>& pfns, PhysicalMemory& memory,
                                   PageSize page_size, const PageFilter& filter, const KdumpWriter& writer,
                                   uint64_t max_pfn);

  struct Page {
    uint64_t pfn = 0;
    uint64_t rank = 0;  // which descriptor of the file is its own
    kdump::PageDescriptor descriptor{};
    bool lost = false;
  };
  [[nodiscard]] size_t size() const { return pages_.size(); }
  [[nodiscard]] const Page& operator[](size_t index) const { return pages_[index]; }
  // Where its data are; the writer calls it, before it comes to the page in the order of page frames.
  void set(size_t index, const kdump::PageDescriptor& descriptor, bool lost);

  // Indices of the pages in order of page frames.
  [[nodiscard]] const std::vector<uint32_t>& sorted() const { return sorted_; }

 private:
  std::vector<Page> pages_;
  std::vector<uint32_t> sorted_;
};

}  // namespace lifeboat
