// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "loader/x86_64/e820.h"
#include "src/base/bytes.h"
#include "src/base/size.h"
#include "tests/support/iomem_samples.h"

namespace lifeboat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr MemoryRange kEverywhere{0, UINT64_MAX};
constexpr uint64_t kPage = 4096;

TEST(Placement, TakesTheHighestOrTheLowest) {
  Placement placement({{0x10000, 0x20000}, {0x40000, 0x50000}}, kEverywhere, kPage);
  EXPECT_EQ(placement.take({.what = "a", .size = 1}).value(), 0x4f000u);
  EXPECT_EQ(placement.take({.what = "b", .size = 0x2000}).value(), 0x4d000u);
  EXPECT_EQ(placement.take({.what = "c", .size = 0x1001, .order = MemoryRequest::Order::lowest}).value(),
            0x10000u);
  EXPECT_THAT(placement.free(), ElementsAre(MemoryRange{0x12000, 0x20000}, MemoryRange{0x40000, 0x4d000}));
}

TEST(Placement, HeedsAlignmentAndLimits) {
  Placement placement({{0x11000, 0x80000}}, kEverywhere, kPage);
  EXPECT_EQ(placement.take({.what = "a", .size = 0x1000, .alignment = 0x10000}).value(), 0x70000u);
  EXPECT_EQ(
      placement
          .take({.what = "b", .size = 0x1000, .alignment = 0x10000, .order = MemoryRequest::Order::lowest})
          .value(),
      0x20000u);
  EXPECT_EQ(placement.take({.what = "c", .size = 0x1000, .max = 0x30000}).value(), 0x2f000u);
  EXPECT_EQ(
      placement.take({.what = "d", .size = 0x1000, .min = 0x50001, .order = MemoryRequest::Order::lowest})
          .value(),
      0x51000u);
}

TEST(Placement, KeepsInsideOfItsWindow) {
  Placement placement({{0, 0x100000}}, {0x20800, 0x40800}, kPage);
  EXPECT_THAT(placement.free(), ElementsAre(MemoryRange{0x21000, 0x40000}));
}

TEST(Placement, ReportsWhatDidNotFit) {
  Placement placement({{0x10000, 0x20000}, {0x40000, 0x48000}}, kEverywhere, kPage);
  const auto error = placement.take({.what = "the kernel", .size = 1_MiB, .alignment = 2_MiB}).error();
  EXPECT_EQ(error.code, ErrorCode::no_space);
  EXPECT_THAT(error.message, HasSubstr("no free memory for the kernel: it needs 1.0 MiB aligned to 2.0 MiB"));
  EXPECT_THAT(error.message, HasSubstr("64.0 KiB"));
  EXPECT_FALSE(placement.take({.what = "x", .size = UINT64_MAX}));
}

TEST(Placement, ReachesTheEndOfTheAddressSpace) {
  Placement placement({{UINT64_MAX - 0x10000, UINT64_MAX}}, kEverywhere, kPage);
  EXPECT_FALSE(
      placement.take({.what = "a", .size = 1, .alignment = 1_GiB, .order = MemoryRequest::Order::lowest}));
  EXPECT_TRUE(placement.take({.what = "b", .size = 1}));
}

TEST(Placement, TakesAGivenPlaceOnce) {
  Placement placement({{0x10000, 0x20000}}, kEverywhere, kPage);
  EXPECT_FALSE(placement.take_at(0xf000, 0x2000));
  EXPECT_FALSE(placement.take_at(0x1f000, 0x2000));
  EXPECT_FALSE(placement.take_at(0x10001, 1));
  EXPECT_TRUE(placement.take_at(0x11000, 0x1001));
  EXPECT_FALSE(placement.take_at(0x12000, 1));
  EXPECT_TRUE(placement.take_at(0x13000, 1));
  EXPECT_FALSE(placement.take_at(0x14000, UINT64_MAX));
}

// Whatever is asked for, on every shape of machine: inside of the free memory, aligned, apart from each
// other.
class PlacementOfPages : public testing::TestWithParam<uint64_t> {};

TEST_P(PlacementOfPages, HoldsOnEveryMachine) {
  const uint64_t page = GetParam();
  std::mt19937_64 random(1);
  for (const auto& sample : test::iomem_samples()) {
    const auto ram = loadable_ram(parse_iomem(sample.text).value(), x86_64::names_of_no_ram(), page);
    for (int round = 0; round < 50; ++round) {
      Placement placement(ram, {random() % 64_MiB, UINT64_MAX - random() % 64_MiB}, page);
      std::vector<MemoryRange> taken;
      for (int room = 0; room < 30; ++room) {
        MemoryRequest want{
            .what = "a part",
            .size = random() % (random() % 2 == 0 ? 16_KiB : 64_MiB),
            .alignment = uint64_t{1} << (random() % 25),
            .order = random() % 2 == 0 ? MemoryRequest::Order::lowest : MemoryRequest::Order::highest};
        if (random() % 3 == 0) want.min = random() % 4_GiB;
        if (random() % 3 == 0) want.max = random() % 8_GiB;
        const auto address = placement.take(want);
        if (!address) continue;
        const MemoryRange range{*address, *address + align_up(std::max<uint64_t>(want.size, 1), page)};
        ASSERT_EQ(range.begin % std::max<uint64_t>(want.alignment, page), 0u) << sample.name;
        ASSERT_TRUE(range.begin >= want.min && range.end <= want.max) << sample.name;
        ASSERT_EQ(total_size(intersect(ram, range)), range.size()) << sample.name;
        ASSERT_EQ(total_size(intersect(taken, range)), 0u) << sample.name;
        taken.push_back(range);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, PlacementOfPages, testing::Values(4_KiB, 16_KiB, 64_KiB));

TEST(Placement, CountsInPagesOfTheMachine) {
  Placement placement({{0x11000, 0x2f000}}, kEverywhere, 16_KiB);
  EXPECT_THAT(placement.free(), ElementsAre(MemoryRange{0x14000, 0x2c000}));
  EXPECT_FALSE(placement.take_at(0x15000, 1));
  EXPECT_TRUE(placement.take_at(0x14000, 1));
  EXPECT_EQ(placement.take({.what = "a", .size = 0x4001}).value(), 0x24000u);
  EXPECT_EQ(placement.take({.what = "b", .size = 1, .alignment = 0x1000}).value(), 0x20000u);
  EXPECT_THAT(placement.free(), ElementsAre(MemoryRange{0x18000, 0x20000}));
  // An alignment that pages have anyway is no reason to fail, and is not named as one.
  const auto error = placement.take({.what = "c", .size = 1_MiB, .alignment = 0x4000}).error();
  EXPECT_THAT(error.message, Not(HasSubstr("aligned")));
}

}  // namespace
}  // namespace lifeboat
