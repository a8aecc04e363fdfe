// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/filter.h"

#include <gtest/gtest.h>

#include "capture/bitmap.h"

namespace lifeboat {
namespace {

TEST(PageFilter, WithoutAKernelKeepsAllRam) {
  const std::vector<PhysicalRange> ram = {{2 * kPageSize, 5 * kPageSize}, {9 * kPageSize, 13 * kPageSize}};
  PageFilter filter(ram, 13);
  ChunkBits bits;
  ASSERT_TRUE(filter.scan(0, bits));
  EXPECT_EQ(bits.ram.size(), 2u);
  EXPECT_EQ(bits.stored, bits.ram);
  for (uint64_t pfn = 0; pfn < 16; ++pfn)
    EXPECT_EQ(test_bit(bits.ram, pfn), (pfn >= 2 && pfn < 5) || (pfn >= 9 && pfn < 13)) << pfn;
  EXPECT_EQ(filter.statistics().ram_pages, 7u);
  EXPECT_EQ(filter.statistics().stored_pages, 7u);
  EXPECT_TRUE(filter.warnings().empty());
}

TEST(PageFilter, PageThatIsRamInPartCounts) {
  const std::vector<PhysicalRange> ram = {{kPageSize + 100, 2 * kPageSize + 1}};
  PageFilter filter(ram, 8);
  ChunkBits bits;
  ASSERT_TRUE(filter.scan(0, bits));
  EXPECT_EQ(bits.ram[0], std::byte{0b110});
}

// A stretch over the border of two chunks is in both, and nothing of an old chunk stays.
TEST(PageFilter, ChunksMeetWithoutGapOrOverlap) {
  const std::vector<PhysicalRange> ram = {{(kChunkPages - 3) * kPageSize, (kChunkPages + 2) * kPageSize}};
  const uint64_t max_pfn = kChunkPages + 100;
  PageFilter filter(ram, max_pfn);
  ChunkBits bits;
  ASSERT_TRUE(filter.scan(0, bits));
  EXPECT_EQ(bits.ram.size(), kChunkPages / 8);
  EXPECT_EQ(count_bits(bits.ram), 3u);
  EXPECT_TRUE(test_bit(bits.ram, kChunkPages - 1));
  ASSERT_TRUE(filter.scan(kChunkPages, bits));
  EXPECT_EQ(bits.first_pfn, kChunkPages);
  EXPECT_EQ(bits.ram.size(), divide_up(100, 8));
  EXPECT_EQ(count_bits(bits.ram), 2u);
  EXPECT_EQ(filter.statistics().ram_pages, 5u);
}

}  // namespace
}  // namespace lifeboat
