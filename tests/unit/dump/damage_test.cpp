// SPDX-License-Identifier: GPL-2.0-or-later
// Damage to a KDUMP file that is seen when it is opened: the bitmaps, and the number of descriptors that they
// require.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "src/dump/byte_source.h"
#include "src/dump/verify.h"
#include "tests/support/elf_builder.h"
#include "tests/support/flattened_builder.h"
#include "tests/support/kdump_builder.h"
#include "tests/support/pages.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::KdumpBuilder;
using test::noise;
using test::patterned_page;
using testing::IsEmpty;
using testing::Not;

constexpr uint64_t kMaxPfn = 3001;
constexpr uint64_t kRamEnd = 2900;

// Holes in the RAM, pages that were left out, pages of zeros.
KdumpBuilder valid() {
  KdumpBuilder builder(kMaxPfn);
  builder.ram(8, 600).ram(1000, kRamEnd - 1000);
  for (uint64_t pfn = 10; pfn < 500; pfn += 3) builder.page(pfn, patterned_page(pfn), Compression::zlib);
  for (uint64_t pfn = 1001; pfn < kRamEnd; pfn += 7) builder.page(pfn, noise(pfn, kPageSize));
  return builder.zero_page(12).zero_page(2000);
}

std::unique_ptr<Dump> open(ByteSpan bytes) {
  return Dump::open(memory_byte_source(bytes, "test")).value();
}

// Neither verify nor a reader that only opens it may report the dump as whole.
void expect_noticed(ByteSpan bytes, const std::string& what) {
  const auto dump = open(bytes);
  EXPECT_THAT(dump->info().damage, Not(IsEmpty())) << what;
  const auto report = verify_dump(*dump, "test", no_progress());
  EXPECT_FALSE(report.whole) << what;
  EXPECT_FALSE(report.consistent) << what;
}

void flip(std::vector<std::byte>& bytes, uint64_t bitmap, uint64_t bit) {
  bytes.at(bitmap + bit / 8) ^= static_cast<std::byte>(1u << bit % 8);
}

TEST(Damage, WholeDumpsHaveNone) {
  EXPECT_THAT(open(valid().build())->info().damage, IsEmpty());
  EXPECT_TRUE(verify_dump(*open(valid().build()), "test", no_progress()).whole);
  const auto flat = test::FlattenedBuilder().file(valid().build(), 999).build();
  EXPECT_THAT(open(flat)->info().damage, IsEmpty());
  // No page of zeros: nothing lies before the first page's data.
  KdumpBuilder without_zeros(100);
  without_zeros.page(5, patterned_page(5)).page(6, patterned_page(6));
  EXPECT_THAT(open(without_zeros.build())->info().damage, IsEmpty());
}

TEST(Damage, PagesThatWereNeverWrittenAreNone) {
  KdumpBuilder builder(100);
  builder.lost_page(1).lost_page(2).page(5, patterned_page(5)).zero_page(7);
  EXPECT_THAT(open(builder.build())->info().damage, IsEmpty());
}

TEST(Damage, AnyBitOfTheSecondBitmapIsNoticed) {
  const auto whole = valid().build();
  const uint64_t bitmap = valid().layout().second_bitmap;
  std::mt19937_64 random(12);
  int set = 0, cleared = 0;
  for (int round = 0; round < 200; ++round) {
    auto bytes = whole;
    // Behind the last page, too: up to the end of the block.
    const uint64_t bit = random() % (kPageSize * 8);
    const bool was = (static_cast<unsigned>(bytes[bitmap + bit / 8]) >> bit % 8 & 1u) != 0;
    ++(was ? cleared : set);
    flip(bytes, bitmap, bit);
    expect_noticed(bytes, fmt::format("bit {:#x}", bit));
  }
  for (const uint64_t bit : {10, 12, 13, 1001, 2000, 11, 9}) {
    auto bytes = whole;
    flip(bytes, bitmap, bit);
    expect_noticed(bytes, fmt::format("bit {:#x}", bit));
  }
  EXPECT_GT(set, 0);
  EXPECT_GT(cleared, 0);
}

TEST(Damage, StoredPageThatIsNotRamIsNoticed) {
  auto bytes = valid().build();
  flip(bytes, valid().layout().first_bitmap, 1001);
  expect_noticed(bytes, "RAM cleared");
  // The number of pages is right.
  bytes = valid().build();
  flip(bytes, valid().layout().second_bitmap, 1001);
  flip(bytes, valid().layout().second_bitmap, 700);
  expect_noticed(bytes, "moved out of RAM");
}

TEST(Damage, EmptyBitmapsAreNoticed) {
  const auto at = valid().layout();
  auto bytes = valid().build();
  std::ranges::fill(MutableByteSpan(bytes).subspan(at.second_bitmap, kPageSize), std::byte{0});
  expect_noticed(bytes, "second");
  std::ranges::fill(MutableByteSpan(bytes).subspan(at.first_bitmap, kPageSize), std::byte{0});
  expect_noticed(bytes, "both");
  const auto report = verify_dump(*open(bytes), "test", no_progress());
  EXPECT_EQ(report.pages_checked, 0u);
}

TEST(Damage, OddNumberOfBitmapBlocksIsNoticed) {
  for (const uint32_t blocks : {3u, 5u}) {
    auto bytes = valid().patch_header([blocks](kdump::Header& h) { h.bitmap_blocks = blocks; }).build();
    expect_noticed(bytes, fmt::format("{} blocks", blocks));
  }
}

// As makedumpfile --split lays them out: all bits, room for all descriptors.
TEST(Damage, OfAPartOfASplitDumpIsNoticed) {
  const auto split = [](uint64_t end) {
    return valid().patch_sub_header([end](kdump::SubHeader& sub) {
      sub.split = 1;
      sub.start_pfn_64 = 0;
      sub.end_pfn_64 = end;
    });
  };
  EXPECT_THAT(open(split(600).build())->info().damage, IsEmpty());
  for (const uint64_t bit : {10, 11, 1001}) {
    auto bytes = split(600).build();
    flip(bytes, valid().layout().second_bitmap, bit);
    expect_noticed(bytes, fmt::format("bit {:#x}", bit));
  }
  auto builder = split(kMaxPfn);
  builder.patch_descriptor(
      10, [&builder](kdump::PageDescriptor& d) { d.offset = builder.layout().descriptors + sizeof d; });
  expect_noticed(builder.build(), "data offset");
}

// Another kind of dump, which checks nothing.
class Unchecked final : public Dump {
 public:
  Unchecked() { info_.ram_pages = info_.stored_pages = info_.max_pfn = 8; }
  [[nodiscard]] const DumpInfo& info() const override { return info_; }
  [[nodiscard]] Result<PageState> page_state(uint64_t) const override { return PageState::stored; }
  [[nodiscard]] const std::vector<PhysicalRange>& ram() const override { return ram_; }
  Result<> read(uint64_t, MutableByteSpan) override { return {}; }
  void verify(VerifyReport&, Progress&) override {}

 private:
  DumpInfo info_;
  std::vector<PhysicalRange> ram_ = {{0, 8 * kPageSize}};
};

TEST(Damage, WhatChecksNoPageIsNotWhole) {
  Unchecked dump;
  EXPECT_FALSE(verify_dump(dump, "test", no_progress()).whole);
}

TEST(NextStored, FollowsTheBitmap) {
  constexpr uint64_t kFar = uint64_t{40} * 32768;
  KdumpBuilder builder(kFar + 100);
  for (const uint64_t pfn :
       {uint64_t{0}, uint64_t{1}, uint64_t{63}, uint64_t{64}, uint64_t{65}, kFar, kFar + 99})
    builder.zero_page(pfn);
  const auto dump = open(builder.ram(0, 200).build());
  std::vector<PfnRange> runs;
  for (uint64_t pfn = 0;;) {
    const auto run = dump->next_stored(pfn, kFar + 100).value();
    if (!run) break;
    runs.push_back(*run);
    pfn = run->end;
  }
  EXPECT_EQ(runs, (std::vector<PfnRange>{{0, 2}, {63, 66}, {kFar, kFar + 1}, {kFar + 99, kFar + 100}}));
  EXPECT_EQ(dump->next_stored(64, 65).value(), (PfnRange{64, 65}));
  EXPECT_EQ(dump->next_stored(66, kFar).value(), std::nullopt);
  EXPECT_EQ(dump->next_stored(64, 64).value(), std::nullopt);
  EXPECT_EQ(dump->next_stored(kFar + 100, ~uint64_t{0}).value(), std::nullopt);
}

TEST(NextStored, OfAnElfCoreFollowsItsRam) {
  test::ElfBuilder builder;
  builder.load(2 * kPageSize, patterned_page(1), 4 * kPageSize).load(10 * kPageSize, patterned_page(2));
  const auto dump = open(builder.build());
  EXPECT_EQ(dump->next_stored(0, 20).value(), (PfnRange{2, 6}));
  EXPECT_EQ(dump->next_stored(3, 5).value(), (PfnRange{3, 5}));
  EXPECT_EQ(dump->next_stored(5, 5).value(), std::nullopt);
  EXPECT_EQ(dump->next_stored(6, 10).value(), std::nullopt);
  EXPECT_EQ(dump->next_stored(6, 11).value(), (PfnRange{10, 11}));
  EXPECT_EQ(dump->next_stored(11, ~uint64_t{0}).value(), std::nullopt);
}

}  // namespace
}  // namespace lifeboat
