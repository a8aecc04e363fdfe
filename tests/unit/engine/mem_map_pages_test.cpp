// SPDX-License-Identifier: GPL-2.0-or-later
// Page frames of 64 struct pages in one page of mem_map: the page of frames 0 to 63 is the first one of the
// fake kernel's mem_map.
#include "capture/engine/mem_map_pages.h"

#include <gtest/gtest.h>

#include "src/base/size.h"
#include "tests/support/fake_bits.h"
#include "tests/support/fake_kernel.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

class MemMapPagesTest : public testing::Test {
 protected:
  MemMapPagesTest() { bits_.set(fake_.ram_pages(), max_pfn_, false); }
  Result<uint64_t> leave_out(std::span<const PfnRange> keep = {}) {
    const auto kernel = fake_.open();
    const auto map = MemMap::create(kernel).value();
    return leave_out_mem_map({.kernel = kernel, .mem_map = map, .ram = ram_, .max_pfn = max_pfn_}, bits_,
                             keep);
  }
  // Of the n-th page of the first section's mem_map.
  [[nodiscard]] uint64_t frame_of(uint64_t number) const {
    return fake_.mem_map_physical() / kPageSize + number;
  }

  FakeKernel fake_;
  uint64_t max_pfn_ = 16 * kFakeSectionPages;
  FakeBits bits_{max_pfn_};
  std::vector<PhysicalRange> ram_ = {{0, fake_.ram_pages() * kPageSize}};
};

TEST_F(MemMapPagesTest, OnlyWhatDescribesPagesThatAreAllLeftOut) {
  bits_.set(64, 192, false);
  bits_.set(256, 319, false);  // all but one
  const uint64_t before = bits_.count();
  EXPECT_EQ(leave_out().value(), 2u);
  EXPECT_EQ(bits_.count(), before - 2);
  EXPECT_FALSE(bits_.has(frame_of(1)));
  EXPECT_FALSE(bits_.has(frame_of(2)));
  for (const uint64_t page : {0, 3, 4, 5}) EXPECT_TRUE(bits_.has(frame_of(page))) << page;
}

TEST_F(MemMapPagesTest, NothingIsLeftOutOfADumpThatHasAll) {
  EXPECT_EQ(leave_out().value(), 0u);
  EXPECT_EQ(bits_.count(), fake_.ram_pages());
}

// What is no RAM was never in the dump: what the kernel noted of it may be wanted.
TEST_F(MemMapPagesTest, WhatDescribesAHoleStays) {
  bits_.set(64, 256, false);
  ram_ = {{0, 100 * kPageSize}, {101 * kPageSize, fake_.ram_pages() * kPageSize}};
  EXPECT_EQ(leave_out().value(), 2u);
  EXPECT_TRUE(bits_.has(frame_of(1)));
  EXPECT_FALSE(bits_.has(frame_of(2)));
}

TEST_F(MemMapPagesTest, WhatAlsoDescribesPagesBehindTheEndStays) {
  max_pfn_ = fake_.ram_pages() - 32;
  ram_ = {{0, max_pfn_ * kPageSize}};
  bits_.set(max_pfn_ - 96, max_pfn_, false);
  EXPECT_EQ(leave_out().value(), 1u);
  const uint64_t last = fake_.ram_pages() / 64 - 1;
  EXPECT_TRUE(bits_.has(frame_of(last)));
  EXPECT_FALSE(bits_.has(frame_of(last - 1)));
}

TEST_F(MemMapPagesTest, EssentialPagesStay) {
  bits_.set(64, 256, false);
  const std::vector<PfnRange> keep = {{frame_of(2), frame_of(2) + 1}};
  EXPECT_EQ(leave_out(keep).value(), 2u);
  EXPECT_TRUE(bits_.has(frame_of(2)));
}

// Struct pages that cross the border of two pages of mem_map.
TEST_F(MemMapPagesTest, StructPagesOfAnotherSize) {
  fake_.set_key("SIZE(page)", "80");
  // The second page, bytes 4096 to 8191: page frames 51 to 102.
  bits_.set(51, 103, false);
  EXPECT_EQ(leave_out().value(), 1u);
  EXPECT_FALSE(bits_.has(frame_of(1)));
  for (const uint64_t kept : {51, 102}) {
    bits_.set(frame_of(1), frame_of(1) + 1, true);
    bits_.set(kept, kept + 1, true);
    EXPECT_EQ(leave_out().value(), 0u) << kept;
    bits_.set(kept, kept + 1, false);
  }
}

TEST_F(MemMapPagesTest, PagesThatAreNotMappedOrNotThereStay) {
  bits_.set(64, 256, false);
  fake_.memory().write64(fake_.entry_address(FakeKernel::page_address(64), 0), 0);
  EXPECT_EQ(leave_out().value(), 2u);
  EXPECT_TRUE(bits_.has(frame_of(1)));
  fake_.set_section(0, 0);
  bits_.set(frame_of(0), frame_of(10), true);
  EXPECT_EQ(leave_out().value(), 0u);
}

TEST_F(MemMapPagesTest, MappedByALargePage) {
  // The struct pages of a section take 2 MiB.
  constexpr uint64_t kSection = 5, kAt = 8_MiB;
  fake_.map(FakeKernel::page_address(kSection * kFakeSectionPages), kAt, 2_MiB);
  fake_.set_section(kSection, FakeKernel::page_address(0) | 3);
  ram_.push_back({kSection * 128_MiB, (kSection + 1) * 128_MiB});
  bits_.set(kSection * kFakeSectionPages, (kSection + 1) * kFakeSectionPages, false);
  bits_.set(kSection * kFakeSectionPages + 1000, kSection * kFakeSectionPages + 1001, true);
  EXPECT_EQ(leave_out().value(), 511u);
  EXPECT_TRUE(bits_.has(kAt / kPageSize + 1000 / 64));
  EXPECT_FALSE(bits_.has(kAt / kPageSize + 1000 / 64 + 1));
}

// The tails of hugetlb pages: one page of mem_map in many places, also of hugetlb pages that are kept.
TEST_F(MemMapPagesTest, PagesThatAreSharedStay) {
  constexpr uint64_t kHuge = 8 * kFakeSectionPages;  // 1 GiB
  fake_.add_optimised_compound(kHuge, 18, {.mapcount = kFakeHugetlb});
  ram_.push_back({8 * 128_MiB, 16 * 128_MiB});
  const auto kernel = fake_.open();
  const uint64_t own = kernel.translate(FakeKernel::page_address(kHuge)).value() / kPageSize;
  const uint64_t shared = kernel.translate(FakeKernel::page_address(kHuge + 64)).value() / kPageSize;
  EXPECT_EQ(leave_out().value(), 1u);
  EXPECT_FALSE(bits_.has(own));
  EXPECT_TRUE(bits_.has(shared));
}

TEST_F(MemMapPagesTest, ErrorsOfTheBitmapArePassedOn) {
  bits_.set(64, 256, false);
  bits_.failing_write = 1;
  EXPECT_EQ(code_of(leave_out()), ErrorCode::no_space);
  bits_.failing_read = bits_.reads + 1;
  EXPECT_EQ(code_of(leave_out()), ErrorCode::io);
}

}  // namespace
}  // namespace lifeboat::test
