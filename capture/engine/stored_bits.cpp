// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/stored_bits.h"

#include <algorithm>

#include "capture/engine/bitmap.h"

namespace lifeboat {

Result<> StoredBitsEraser::clear(PfnRange pages) {
  pages.end = std::min(pages.end, max_pfn_);
  pending_.add(pages);
  return ++calls_ < kMaxPending ? Result<>() : flush();
}

Result<uint64_t> StoredBitsEraser::finish() {
  TRY_VOID(flush());
  return cleared_;
}

void StoredBitsEraser::clear_in_chunk(uint64_t first, PfnRange pages) {
  const auto clear = [&](uint64_t from, uint64_t to) {
    for (uint64_t pfn = from; pfn < to; ++pfn) cleared_ += test_bit(chunk_, pfn - first) ? 1 : 0;
    if (from < to) fill_bits(chunk_, from - first, to - from, false);
  };
  uint64_t at = pages.first;
  for (const PfnRange& kept : overlapping(keep_, pages.first, pages.end)) {
    clear(at, kept.first);
    at = std::max(at, kept.end);
  }
  clear(at, pages.end);
}

Result<> StoredBitsEraser::flush() {
  calls_ = 0;
  const auto ranges = pending_.take();
  size_t next = 0;
  uint64_t done = 0;  // page frames before this one are cleared
  while (next < ranges.size()) {
    const uint64_t first = std::max(done, ranges[next].first) / kChunkPages * kChunkPages;
    const uint64_t end = std::min(first + kChunkPages, max_pfn_);
    chunk_.resize(divide_up(end - first, 8));
    TRY_VOID(bits_->read(first, chunk_));
    while (next < ranges.size() && ranges[next].first < end) {
      clear_in_chunk(first, {std::max(ranges[next].first, first), std::min(ranges[next].end, end)});
      if (ranges[next].end > end) break;  // goes on in the next chunk
      ++next;
    }
    done = end;
    TRY_VOID(bits_->write(first, chunk_));
  }
  return {};
}

}  // namespace lifeboat
