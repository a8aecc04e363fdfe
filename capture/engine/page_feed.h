// SPDX-License-Identifier: GPL-2.0-or-later
// Hands out the page frames to save: the leading ones, then all in order, as the second bitmap in the file
// has them.
#pragma once

#include <vector>

#include "capture/engine/filter.h"
#include "capture/engine/leading_pages.h"
#include "capture/engine/page_batch.h"
#include "src/dump/kdump_writer.h"

namespace lifeboat {

// For one thread at a time. What it is made of outlives it.
class PageFeed {
 public:
  PageFeed(const PageFilter& filter, const KdumpWriter& writer, const LeadingPages& leading,
           uint64_t max_pfn);

  // Replaces the pages of the batch by the next ones. None: there are no more.
  Result<> fill(PageBatch& batch);

 private:
  // The next chunk that has any RAM, into bits_; false: there is none.
  Result<bool> next_chunk();
  // In order of page frames: a leading page comes again, for its descriptor.
  PageBatch::Page page(uint64_t pfn);

  const PageFilter& filter_;
  const KdumpWriter& writer_;
  const LeadingPages& leading_;
  uint64_t max_pfn_;
  std::vector<std::byte> bits_;  // of the chunk
  uint64_t first_ = 0;           // page frame of the chunk
  uint64_t next_bit_ = 0, bits_count_ = 0;
  uint64_t next_first_ = 0;  // where the next chunk is looked for
  size_t next_leading_ = 0;  // to be handed out first
  size_t next_sorted_ = 0;   // of leading_.sorted(): to come in order of page frames
};

}  // namespace lifeboat
