// SPDX-License-Identifier: GPL-2.0-or-later
// A set of page frames as ranges, in bounded memory.
#pragma once

#include <span>
#include <vector>

#include "src/dump/dump.h"

namespace lifeboat {

class PfnRanges {
 public:
  // At most `max` ranges are kept, and twice as many while they are collected.
  explicit PfnRanges(size_t max) : max_(max) {}

  // In any order; they may overlap. Nothing is added any more when the set is full().
  void add(PfnRange range);
  [[nodiscard]] bool full() const { return full_; }
  // In order, with gaps between them. The set is empty then, and takes ranges again.
  [[nodiscard]] std::vector<PfnRange> take();

 private:
  void compact();

  size_t max_;
  bool full_ = false;
  std::vector<PfnRange> ranges_;
};

// Those of `ranges`, which are in order and do not overlap, that have a page frame of [first, end).
std::span<const PfnRange> overlapping(std::span<const PfnRange> ranges, uint64_t first, uint64_t end);

}  // namespace lifeboat
