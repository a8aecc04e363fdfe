// SPDX-License-Identifier: GPL-2.0-or-later
// What a filter keeps whatever the struct pages say, what it never keeps, and what it finds out after the
// scan.
#include <gtest/gtest.h>

#include "capture/engine/bitmap.h"
#include "capture/engine/filter.h"
#include "tests/support/fake_bits.h"
#include "tests/support/fake_free_lists.h"
#include "tests/support/fake_pages.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat {
namespace {

using test::FakeKernel;
using test::FakeUse;
using test::set_block;

// A machine of 32 MiB whose first pages have every class, and what a filter makes of it.
class KeepsEssential : public testing::Test {
 protected:
  KeepsEssential() {
    const FakeUse uses[] = {FakeUse::cache,    FakeUse::cache_private, FakeUse::user,   FakeUse::free,
                            FakeUse::poisoned, FakeUse::offline,       FakeUse::kernel, FakeUse::swap_cache};
    for (uint64_t pfn = 0; pfn < 8; ++pfn) set_block(fake_, {pfn, 0, uses[pfn]});
    set_block(fake_, {1024, 10, FakeUse::unaccepted});
    set_block(fake_, {2048, 9, FakeUse::hugetlb});
  }
  PageFilter filter(int level, const std::vector<PfnRange>& keep, std::span<const PfnRange> read = {}) {
    auto made = PageFilter::create(kernel_, ram_, max_pfn_, {}, level).value();
    made.keep(keep, read);
    EXPECT_TRUE(made.scan(0, bits_));
    return made;
  }
  [[nodiscard]] bool stored(uint64_t pfn) const { return test_bit(bits_.stored, pfn); }

  FakeKernel fake_;
  uint64_t max_pfn_ = fake_.ram_pages();
  std::vector<PhysicalRange> ram_ = {{0, max_pfn_* kPageSize}};
  KernelMemory kernel_ = fake_.open();
  ChunkBits bits_;
};

TEST_F(KeepsEssential, ButNotWhatMustNotBeRead) {
  const std::vector<PfnRange> keep = {{0, 8}, {1500, 2058}};
  const auto filtered = filter(31, keep);
  // The kernel runs in these: that they are offline or unaccepted is not believed.
  for (const uint64_t pfn : {0, 1, 2, 3, 5, 6, 7, 1500, 2047, 2048, 2057}) EXPECT_TRUE(stored(pfn)) << pfn;
  for (const uint64_t pfn : {4, 1499, 2058}) EXPECT_FALSE(stored(pfn)) << pfn;
  EXPECT_EQ(filtered.statistics().essential_pages, 5u + 10 + 1 + 548);
  EXPECT_EQ(filtered.statistics().broken_essential_pages, 1u);
  EXPECT_EQ(filtered.statistics().stored_pages, max_pfn_ - 1024 + 548 - 512 - 1 + 10);
  EXPECT_EQ(filtered.statistics().pages_of_class[static_cast<size_t>(PageClass::user)], 513u)
      << "classes are counted as they are";
  ASSERT_EQ(filtered.warnings().size(), 2u);
  EXPECT_NE(filtered.warnings()[0].find("1 pages of the kernel's image"), std::string::npos);
  EXPECT_NE(filtered.warnings()[1].find("564 pages of the kernel's image"), std::string::npos);
}

TEST_F(KeepsEssential, AlsoBrokenPagesThatWereReadBefore) {
  const std::vector<PfnRange> keep = {{0, 8}};
  for (const int level : {0, 1, 31}) {
    EXPECT_EQ(filter(level, keep, keep).statistics().broken_essential_pages, 0u);
    EXPECT_TRUE(stored(4));
    EXPECT_EQ(filter(level, keep, std::span(keep).first(0)).statistics().broken_essential_pages, 1u);
    EXPECT_FALSE(stored(4));
  }
}

TEST_F(KeepsEssential, CountsOnlyWhatTheLevelWouldLeaveOut) {
  const std::vector<PfnRange> keep = {{0, 8}};
  // One is offline, which is left out at every level.
  EXPECT_EQ(filter(8, keep).statistics().essential_pages, 1u + 1);
  EXPECT_EQ(filter(16, keep).statistics().essential_pages, 1u + 1);
  EXPECT_EQ(filter(2, keep).statistics().essential_pages, 2u + 1);
  EXPECT_EQ(filter(0, keep).statistics().essential_pages, 1u);
}

TEST_F(KeepsEssential, OnlyRam) {
  ram_ = {{kPageSize, max_pfn_ * kPageSize}};
  const std::vector<PfnRange> keep = {{0, 2}};
  EXPECT_EQ(filter(31, keep).statistics().essential_pages, 1u);
  EXPECT_FALSE(stored(0));
  EXPECT_TRUE(stored(1));
}

// Ranges that begin before a chunk and end behind it.
TEST_F(KeepsEssential, InEveryChunk) {
  const uint64_t huge = kChunkPages;
  fake_.add_optimised_compound(huge, 18, test::fake_page(FakeUse::hugetlb));
  kernel_ = fake_.open();
  max_pfn_ = kChunkPages + (uint64_t{1} << 18);
  ram_ = {{0, max_pfn_ * kPageSize}};
  const std::vector<PfnRange> keep = {
      {7, 8}, {kChunkPages - 3, kChunkPages + 3}, {max_pfn_ - 2, max_pfn_ + 2}};
  auto made = PageFilter::create(kernel_, ram_, max_pfn_, {}, 31).value();
  made.keep(keep);
  ASSERT_TRUE(made.scan(0, bits_));
  EXPECT_EQ(made.statistics().essential_pages, 1u);
  ASSERT_TRUE(made.scan(kChunkPages, bits_));
  EXPECT_EQ(made.statistics().essential_pages, 1u + 3 + 2);
  EXPECT_EQ(count_bits(bits_.stored), 5u);
}

// Pages of a CMA area: what users had there is not in the dump, since the capture kernel runs in it
// (crashkernel=,cma); a free block of it is as any other.
TEST(PageFilter, AnAreaThatTheCaptureKernelUses) {
  FakeKernel fake;
  set_block(fake, {512, 9, FakeUse::user});
  set_block(fake, {1024, 10, FakeUse::free});
  set_block(fake, {4096, 10, FakeUse::free});
  const uint64_t max_pfn = fake.ram_pages();
  const std::vector<PhysicalRange> ram = {{0, 600 * kPageSize}, {1500 * kPageSize, max_pfn * kPageSize}};
  const auto kernel = fake.open();
  auto filter = PageFilter::create(kernel, ram, max_pfn, {}, 16).value();
  ChunkBits bits;
  ASSERT_TRUE(filter.scan(0, bits));
  for (uint64_t pfn = 600; pfn < 1500; ++pfn) ASSERT_FALSE(test_bit(bits.stored, pfn)) << pfn;
  EXPECT_TRUE(test_bit(bits.stored, 599));
  EXPECT_FALSE(test_bit(bits.stored, 1500)) << "the rest of the free block";
  EXPECT_TRUE(test_bit(bits.stored, 2048));
  EXPECT_EQ(filter.statistics().pages_of_class[static_cast<size_t>(PageClass::user)], 88u);
  EXPECT_EQ(filter.statistics().pages_of_class[static_cast<size_t>(PageClass::free)], 548u + 1024);
  EXPECT_EQ(filter.statistics().stored_pages, max_pfn - 900 - 548 - 1024);
}

// Levels that keep free pages read them, so each of these is looked at.
TEST(PageFilter, ABrokenPageInAFreeBlockIsNeverRead) {
  FakeKernel fake;
  set_block(fake, {64, 3, FakeUse::free});
  fake.set_page(67, {.flags = test::kFakePoison});
  const std::vector<PhysicalRange> ram = {{0, fake.ram_pages() * kPageSize}};
  const auto kernel = fake.open();
  for (const int level : {0, 1, 15}) {
    auto filter = PageFilter::create(kernel, ram, fake.ram_pages(), {}, level).value();
    ChunkBits bits;
    ASSERT_TRUE(filter.scan(0, bits));
    EXPECT_TRUE(test_bit(bits.stored, 66)) << level;
    EXPECT_FALSE(test_bit(bits.stored, 67)) << level;
  }
}

TEST(PageFilter, ReportsUnknownPageTypesOnce) {
  FakeKernel fake;
  fake.set_page(64, {.mapcount = 0xf9000000});
  fake.set_page(100, {.mapcount = 0xf9000000});
  const std::vector<PhysicalRange> ram = {{0, fake.ram_pages() * kPageSize}};
  const auto kernel = fake.open();
  auto filter = PageFilter::create(kernel, ram, fake.ram_pages(), {}, 31).value();
  ChunkBits bits;
  ASSERT_TRUE(filter.scan(0, bits));
  EXPECT_TRUE(test_bit(bits.stored, 64));
  ASSERT_EQ(filter.warnings().size(), 1u);
  EXPECT_EQ(filter.warnings()[0],
            "2 pages have an unknown page type (0xf9000000); they are kept as the kernel's own");
}

// A kernel that does not export how its free pages are marked; its lists of them are whole.
class WithoutTheBuddyKey : public testing::Test {
 protected:
  WithoutTheBuddyKey() {
    // As it marks them in the struct pages is not known: here it is not seen at all.
    fake_.remove_key("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)");
    lists_.add({.order = 10}, 1024);
    lists_.add({.zone = 1, .order = 0, .type = 4}, 3);
    lists_.add({.order = 9}, 2048);
  }
  PageFilter scanned(int level) {
    auto filter = PageFilter::create(kernel_, ram_, fake_.ram_pages(), {}, level).value();
    EXPECT_TRUE(filter.scan(0, bits_));
    EXPECT_TRUE(stored_.write(0, bits_.stored));
    return filter;
  }
  [[nodiscard]] static uint64_t pages(const PageFilter& filter, PageClass page_class) {
    return filter.statistics().pages_of_class[static_cast<size_t>(page_class)];
  }

  FakeKernel fake_;
  test::FakeFreeLists lists_{fake_};
  std::vector<PhysicalRange> ram_ = {{0, fake_.ram_pages() * kPageSize}};
  KernelMemory kernel_ = fake_.open();
  test::FakeBits stored_{fake_.ram_pages()};
  ChunkBits bits_;
};

TEST_F(WithoutTheBuddyKey, TheListsShowWhatIsFree) {
  kernel_ = fake_.open();
  auto filter = scanned(31);
  EXPECT_EQ(filter.warnings().size(), 1u);
  ASSERT_TRUE(filter.leave_out_more(stored_, MemMapPages::all));
  EXPECT_EQ(stored_.count(), fake_.ram_pages() - 1024 - 1 - 512);
  EXPECT_EQ(filter.statistics().stored_pages, stored_.count());
  EXPECT_EQ(pages(filter, PageClass::free), 1537u);
  EXPECT_EQ(pages(filter, PageClass::kernel), fake_.ram_pages() - 1537);
  EXPECT_TRUE(filter.warnings().empty()) << filter.warnings()[0];
}

TEST_F(WithoutTheBuddyKey, ALevelThatKeepsFreePagesDoesNotLookForThem) {
  kernel_ = fake_.open();
  auto filter = scanned(15);
  ASSERT_TRUE(filter.leave_out_more(stored_, MemMapPages::all));
  EXPECT_EQ(stored_.count(), fake_.ram_pages());
}

TEST_F(WithoutTheBuddyKey, EssentialPagesOfAListAreKept) {
  kernel_ = fake_.open();
  const std::vector<PfnRange> keep = {{1030, 1040}};
  auto filter = PageFilter::create(kernel_, ram_, fake_.ram_pages(), {}, 16).value();
  filter.keep(keep);
  ASSERT_TRUE(filter.scan(0, bits_));
  ASSERT_TRUE(filter.leave_out_more(stored_, MemMapPages::all));
  EXPECT_EQ(pages(filter, PageClass::free), 1527u);
  EXPECT_TRUE(stored_.has(1035));
}

TEST_F(WithoutTheBuddyKey, ADamagedListIsReported) {
  fake_.write64(test::FakeFreeLists::link(2048), 0);
  fake_.write64(test::FakeFreeLists::link(2048) + 8, 0);
  kernel_ = fake_.open();
  auto filter = scanned(31);
  ASSERT_TRUE(filter.leave_out_more(stored_, MemMapPages::all));
  EXPECT_EQ(pages(filter, PageClass::free), 1025u);
  ASSERT_EQ(filter.warnings().size(), 1u);
  EXPECT_NE(filter.warnings()[0].find("1 of the kernel's lists of free pages are damaged"),
            std::string::npos);
}

TEST_F(WithoutTheBuddyKey, WithoutTheListsTheyAreKept) {
  fake_.remove_key("OFFSET(page.lru)");
  kernel_ = fake_.open();
  auto filter = scanned(31);
  ASSERT_TRUE(filter.leave_out_more(stored_, MemMapPages::all));
  EXPECT_EQ(stored_.count(), fake_.ram_pages());
  ASSERT_EQ(filter.warnings().size(), 2u);
  EXPECT_NE(filter.warnings()[1].find("OFFSET(page.lru)"), std::string::npos);
}

TEST_F(WithoutTheBuddyKey, ThenTheirMemMapCanBeLeftOutToo) {
  kernel_ = fake_.open();
  auto filter = scanned(31);
  ASSERT_TRUE(filter.leave_out_more(stored_, MemMapPages::of_stored_pages));
  EXPECT_EQ(filter.statistics().mem_map_pages, (1024u + 512) / 64);
  EXPECT_EQ(filter.statistics().stored_pages, stored_.count());
}

}  // namespace
}  // namespace lifeboat
