// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/pfn_ranges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

namespace lifeboat {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(PfnRanges, JoinsWhatTouchesOrOverlaps) {
  PfnRanges ranges(10);
  for (const PfnRange range :
       {PfnRange{20, 30}, {5, 6}, {30, 31}, {25, 28}, {6, 8}, {40, 41}, {9, 9}, {39, 5}})
    ranges.add(range);
  EXPECT_THAT(ranges.take(), ElementsAre(PfnRange{5, 8}, PfnRange{20, 31}, PfnRange{40, 41}));
  EXPECT_FALSE(ranges.full());
  EXPECT_THAT(ranges.take(), IsEmpty());
}

TEST(PfnRanges, OfAnyOrderIsTheSetOfItsPages) {
  std::mt19937 random(1);
  PfnRanges ranges(1000);
  std::set<uint64_t> pages;
  for (int round = 0; round < 300; ++round) {
    const uint64_t first = random() % 2000, end = first + random() % 12;
    ranges.add({first, end});
    for (uint64_t page = first; page < end; ++page) pages.insert(page);
  }
  std::set<uint64_t> found;
  uint64_t last = 0;
  for (const auto& range : ranges.take()) {
    EXPECT_TRUE(found.empty() || range.first > last) << "there are gaps between them";
    for (uint64_t page = range.first; page < range.end; ++page) found.insert(page);
    last = range.end;
  }
  EXPECT_EQ(found, pages);
}

TEST(PfnRanges, TakesNoMoreThanItsMaximum) {
  PfnRanges ranges(4);
  for (uint64_t page = 100; page > 0; --page) ranges.add({page * 2, page * 2 + 1});
  EXPECT_TRUE(ranges.full());
  EXPECT_EQ(ranges.take().size(), 4u);
  PfnRanges touching(4);
  for (uint64_t page = 100; page > 0; --page) touching.add({page, page + 1});
  EXPECT_FALSE(touching.full()) << "it is one range";
  EXPECT_THAT(touching.take(), ElementsAre(PfnRange{1, 101}));
}

TEST(PfnRanges, OverlappingOnes) {
  const std::vector<PfnRange> ranges = {{10, 20}, {30, 40}, {50, 60}};
  const auto in = [&ranges](uint64_t first, uint64_t end) {
    const auto found = overlapping(ranges, first, end);
    return std::vector<PfnRange>(found.begin(), found.end());
  };
  EXPECT_THAT(in(0, 10), IsEmpty());
  EXPECT_THAT(in(20, 30), IsEmpty());
  EXPECT_THAT(in(60, 100), IsEmpty());
  EXPECT_THAT(in(0, 11), ElementsAre(PfnRange{10, 20}));
  EXPECT_THAT(in(19, 51), ElementsAre(PfnRange{10, 20}, PfnRange{30, 40}, PfnRange{50, 60}));
  EXPECT_THAT(in(35, 36), ElementsAre(PfnRange{30, 40}));
}

}  // namespace
}  // namespace lifeboat
