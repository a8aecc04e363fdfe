// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/page_feed.h"

#include <algorithm>

#include "capture/engine/bitmap.h"

namespace lifeboat {

PageFeed::PageFeed(const PageFilter& filter, const KdumpWriter& writer, const LeadingPages& leading,
                   uint64_t max_pfn)
    : filter_(filter), writer_(writer), leading_(leading), max_pfn_(max_pfn) {}

Result<bool> PageFeed::next_chunk() {
  const auto first = filter_.next_chunk(next_first_);
  if (!first) return false;
  first_ = *first;
  next_first_ = first_ + kChunkPages;
  bits_count_ = std::min(kChunkPages, max_pfn_ - first_);
  next_bit_ = 0;
  bits_.resize(divide_up(bits_count_, 8));
  TRY_VOID(writer_.read_stored_bits(first_, bits_));
  return true;
}

Result<> PageFeed::fill(PageBatch& batch) {
  batch.clear();
  while (next_leading_ < leading_.size()) {
    const auto index = static_cast<uint32_t>(next_leading_++);
    batch.pages.push_back({.pfn = leading_[index].pfn, .leading = index});
    if (batch.full()) return {};
  }
  // The last batch of them is written before any other page: whoever reads the file needs nothing else.
  if (!batch.pages.empty()) return {};
  for (;;) {
    while (next_bit_ < bits_count_) {
      if (next_bit_ % 8 == 0 && bits_[next_bit_ / 8] == std::byte{0}) {
        next_bit_ += 8;  // eight pages at once: most of a filtered machine
        continue;
      }
      const uint64_t bit = next_bit_++;
      if (!test_bit(bits_, bit)) continue;
      batch.pages.push_back(page(first_ + bit));
      if (batch.full()) return {};
    }
    if (!TRY(next_chunk())) return {};
  }
}

PageBatch::Page PageFeed::page(uint64_t pfn) {
  const auto& sorted = leading_.sorted();
  if (next_sorted_ == sorted.size() || leading_[sorted[next_sorted_]].pfn != pfn) return {.pfn = pfn};
  return {.pfn = pfn, .kind = PageBatch::Kind::led, .leading = sorted[next_sorted_++]};
}

}  // namespace lifeboat
