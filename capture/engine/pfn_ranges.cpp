// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/pfn_ranges.h"

#include <algorithm>

namespace lifeboat {

void PfnRanges::add(PfnRange range) {
  if (full_ || range.first >= range.end) return;
  // Most come in order.
  if (!ranges_.empty() && range.first <= ranges_.back().end && range.first >= ranges_.back().first) {
    ranges_.back().end = std::max(ranges_.back().end, range.end);
    return;
  }
  ranges_.push_back(range);
  if (ranges_.size() < 2 * max_) return;
  compact();
  if (ranges_.size() <= max_) return;
  ranges_.resize(max_);
  full_ = true;
}

void PfnRanges::compact() {
  std::ranges::sort(ranges_, {}, &PfnRange::first);
  size_t last = 0;
  for (size_t next = 1; next < ranges_.size(); ++next) {
    if (ranges_[next].first <= ranges_[last].end) {
      ranges_[last].end = std::max(ranges_[last].end, ranges_[next].end);
    } else {
      ranges_[++last] = ranges_[next];
    }
  }
  if (!ranges_.empty()) ranges_.resize(last + 1);
}

std::vector<PfnRange> PfnRanges::take() {
  compact();
  if (ranges_.size() > max_) {
    ranges_.resize(max_);
    full_ = true;
  }
  return std::exchange(ranges_, {});
}

std::span<const PfnRange> overlapping(std::span<const PfnRange> ranges, uint64_t first, uint64_t end) {
  const auto begin = std::ranges::upper_bound(ranges, first, {}, &PfnRange::end);
  const auto behind = std::ranges::lower_bound(begin, ranges.end(), end, {}, &PfnRange::first);
  return ranges.subspan(static_cast<size_t>(begin - ranges.begin()), static_cast<size_t>(behind - begin));
}

}  // namespace lifeboat
