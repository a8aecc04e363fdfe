// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/stored_bits.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/fake_bits.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::FakeBits;

constexpr uint64_t kMaxPfn = 2 * kChunkPages + 1003;

TEST(StoredBitsEraser, ClearsWhatItIsAskedFor) {
  FakeBits bits(kMaxPfn);
  bits.set(50, 60, false);
  StoredBitsEraser eraser(bits, kMaxPfn, {});
  ASSERT_TRUE(eraser.clear({kMaxPfn - 3, kMaxPfn + 100}));
  ASSERT_TRUE(eraser.clear({40, 70}));
  ASSERT_TRUE(eraser.clear({kChunkPages - 5, kChunkPages + 7}));
  ASSERT_TRUE(eraser.clear({kMaxPfn + 5, kMaxPfn + 9}));
  ASSERT_TRUE(eraser.clear({45, 46}));
  EXPECT_EQ(bits.count(), kMaxPfn - 10) << "nothing is written yet";
  EXPECT_EQ(eraser.finish().value(), 3u + 20 + 12) << "bits that were not set do not count";
  EXPECT_EQ(bits.count(), kMaxPfn - 10 - 35);
  for (const uint64_t pfn :
       {uint64_t{40}, uint64_t{69}, kChunkPages - 5, kChunkPages + 6, kMaxPfn - 3, kMaxPfn - 1})
    EXPECT_FALSE(bits.has(pfn)) << pfn;
  for (const uint64_t pfn : {uint64_t{39}, uint64_t{70}, kChunkPages - 6, kChunkPages + 7, kMaxPfn - 4})
    EXPECT_TRUE(bits.has(pfn)) << pfn;
}

TEST(StoredBitsEraser, LeavesWhatIsToBeKept) {
  const std::vector<PfnRange> keep = {{10, 20}, {25, 30}, {kChunkPages - 1, kChunkPages + 1}};
  FakeBits bits(kMaxPfn);
  StoredBitsEraser eraser(bits, kMaxPfn, keep);
  ASSERT_TRUE(eraser.clear({15, 28}));
  ASSERT_TRUE(eraser.clear({kChunkPages - 10, kChunkPages + 10}));
  EXPECT_EQ(eraser.finish().value(), 5u + 18);
  for (const auto& range : keep)
    for (uint64_t pfn = range.first; pfn < range.end; ++pfn) EXPECT_TRUE(bits.has(pfn)) << pfn;
  EXPECT_FALSE(bits.has(22));
}

// A range as long as all memory: each chunk is read and written once.
TEST(StoredBitsEraser, TouchesEachChunkOnce) {
  FakeBits bits(kMaxPfn);
  StoredBitsEraser eraser(bits, kMaxPfn, {});
  for (uint64_t pfn = 0; pfn < 1000; pfn += 2) ASSERT_TRUE(eraser.clear({kMaxPfn - pfn - 1, kMaxPfn - pfn}));
  ASSERT_TRUE(eraser.clear({0, kMaxPfn}));
  EXPECT_EQ(eraser.finish().value(), kMaxPfn);
  EXPECT_EQ(bits.count(), 0u);
  EXPECT_EQ(bits.reads, 3u);
  EXPECT_EQ(bits.writes, 3u);
}

// More ranges than it keeps in memory.
TEST(StoredBitsEraser, AnyNumberOfRangesInAnyOrder) {
  FakeBits bits(kMaxPfn);
  std::vector<std::byte> expected = bits.bits();
  StoredBitsEraser eraser(bits, kMaxPfn, {});
  std::mt19937_64 random(1);
  for (int round = 0; round < 200'000; ++round) {
    const uint64_t pfn = random() % kMaxPfn;
    ASSERT_TRUE(eraser.clear({pfn, pfn + 1}));
    fill_bits(expected, pfn, 1, false);
  }
  EXPECT_EQ(eraser.finish().value(), kMaxPfn - count_bits(expected));
  EXPECT_EQ(bits.bits(), expected);
}

TEST(StoredBitsEraser, ErrorsOfTheBitmapArePassedOn) {
  for (const bool reading : {true, false}) {
    FakeBits bits(kMaxPfn);
    (reading ? bits.failing_read : bits.failing_write) = 2;
    StoredBitsEraser eraser(bits, kMaxPfn, {});
    ASSERT_TRUE(eraser.clear({5, kMaxPfn}));
    EXPECT_EQ(code_of(eraser.finish()), reading ? ErrorCode::io : ErrorCode::no_space);
  }
}

}  // namespace
}  // namespace lifeboat
