// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/page_class.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/vmcore/page_scan.h"
#include "tests/support/fake_kernel.h"

namespace lifeboat::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t kAnonymous = 0xffff888000000001;  // mapping with PAGE_MAPPING_ANON

class PageClasses : public testing::Test {
 protected:
  // What the classifier makes of the struct pages at `pfn`, with the VMCOREINFO as it is now.
  PageRun classify(uint64_t pfn, uint64_t count = 2) {
    const auto memory = fake_.open();
    std::vector<std::byte> structs(count * kFakePageSize);
    EXPECT_TRUE(memory.read(FakeKernel::page_address(pfn), structs));
    return PageClassifier::create(memory.vmcoreinfo()).value().classify(pfn, structs);
  }
  void expect(uint64_t pfn, PageClass page_class, uint64_t pages) {
    const auto run = classify(pfn);
    EXPECT_EQ(page_class_name(run.page_class), page_class_name(page_class));
    EXPECT_EQ(run.pages, pages);
  }
  std::vector<std::string> warnings() { return PageClassifier::create(fake_.parsed()).value().warnings(); }
  void set_tail(uint64_t head, uint64_t offset, uint8_t value) {
    fake_.write(FakeKernel::page_address(head + 1) + offset, object_bytes(value));
  }

  FakeKernel fake_;
};

TEST_F(PageClasses, Free) {
  fake_.set_page(64, {.private_data = 5, .mapcount = kFakeBuddy});
  expect(64, PageClass::free, 32);
}

TEST_F(PageClasses, FreeBlockOfAnImpossibleOrderIsKept) {
  for (const uint64_t order : {uint64_t{11}, uint64_t{31}, uint64_t{64}, ~uint64_t{0}}) {
    fake_.set_page(64, {.private_data = order, .mapcount = kFakeBuddy});
    expect(64, PageClass::kernel, 1);
  }
}

TEST_F(PageClasses, FreeBeforeTwoThousandTwentyFour) {
  // 6.9 to 6.11: a cleared bit, exported as ~PG_buddy.
  fake_.set_key("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", "-129");
  fake_.set_page(64, {.private_data = 0, .mapcount = 0xffffff7f});
  expect(64, PageClass::free, 1);
}

TEST_F(PageClasses, WithoutTheBuddyKeyFreePagesAreKept) {
  fake_.remove_key("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)");
  fake_.set_page(64, {.private_data = 5, .mapcount = kFakeBuddy});
  expect(64, PageClass::kernel, 1);
  EXPECT_THAT(warnings(), ElementsAre(HasSubstr("free pages")));
}

TEST_F(PageClasses, Unaccepted) {
  fake_.set_page(1024, {.mapcount = kFakeUnaccepted});
  expect(1024, PageClass::unaccepted, 1024);
  fake_.remove_key("LENGTH(zone.free_area)");
  expect(1024, PageClass::unaccepted, 1);
  fake_.remove_key("NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)");
  expect(1024, PageClass::kernel, 1);
}

TEST_F(PageClasses, Cache) {
  fake_.set_page(64, {.flags = kFakeLru, .mapping = 0xffff888000000000});
  expect(64, PageClass::cache, 1);
  fake_.set_page(64, {.flags = kFakeLru | kFakePrivate, .mapping = 0xffff888000000000});
  expect(64, PageClass::cache_private, 1);
}

TEST_F(PageClasses, SwapCacheNeedsBothBits) {
  fake_.set_page(64, {.flags = kFakeSwapCache | kFakeSwapBacked});
  expect(64, PageClass::cache, 1);
  fake_.set_page(64, {.flags = kFakeSwapCache});
  expect(64, PageClass::kernel, 1);
  fake_.set_page(64, {.flags = kFakeSwapBacked});
  expect(64, PageClass::kernel, 1);
}

TEST_F(PageClasses, Anonymous) {
  fake_.set_page(64, {.flags = kFakeLru | kFakeSwapBacked, .mapping = kAnonymous});
  expect(64, PageClass::user, 1);
  fake_.set_compound(512, 9, {.flags = kFakeLru | kFakeSwapBacked, .mapping = kAnonymous});
  expect(512, PageClass::user, 512);
}

// The word that is `mapping` elsewhere belongs to the slab: bit 0 of it means nothing.
TEST_F(PageClasses, SlabByType) {
  fake_.set_page(64, {.mapping = kAnonymous, .mapcount = kFakeSlab});
  expect(64, PageClass::kernel, 1);
}

TEST_F(PageClasses, SlabByFlag) {
  fake_.remove_key("NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)");
  fake_.set_key("NUMBER(PG_slab)", "9");
  fake_.set_page(64, {.flags = 1 << 9, .mapping = kAnonymous});
  expect(64, PageClass::kernel, 1);
  fake_.set_page(64, {.mapping = kAnonymous});
  expect(64, PageClass::user, 1);
}

// While a slab page's `_mapcount` may hold anything, with the flag it is no free page.
TEST_F(PageClasses, SlabFlagIsStrongerThanTheBuddyType) {
  fake_.set_key("NUMBER(PG_slab)", "9");
  fake_.set_page(64, {.flags = 1 << 9, .mapcount = kFakeBuddy});
  expect(64, PageClass::kernel, 1);
}

TEST_F(PageClasses, WithoutAnySlabKeyUserPagesAreKept) {
  fake_.remove_key("NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)");
  fake_.set_page(64, {.mapping = kAnonymous});
  expect(64, PageClass::kernel, 1);
  EXPECT_THAT(warnings(), ElementsAre(HasSubstr("slab")));
}

TEST_F(PageClasses, HugetlbByType) {
  fake_.set_compound(512, 9, {.mapcount = kFakeHugetlb});
  expect(512, PageClass::user, 512);
}

TEST_F(PageClasses, HugetlbByFlagOfTheFirstTail) {
  fake_.remove_key("NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)");
  fake_.set_key("NUMBER(PG_hugetlb)", "8");
  fake_.set_compound(512, 9, {});
  expect(512, PageClass::kernel, 512);
  set_tail(512, 1, 1);  // bit 8 of flags; the low byte stays the order
  expect(512, PageClass::user, 512);
}

TEST_F(PageClasses, HugetlbByDestructor) {
  fake_.remove_key("NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)");
  fake_.set_key("OFFSET(page.compound_dtor)", "16");
  fake_.set_key("OFFSET(page.compound_order)", "17");
  fake_.set_key("NUMBER(HUGETLB_PAGE_DTOR)", "2");
  fake_.set_compound(512, 9, {});
  set_tail(512, 0, 0);  // the low byte of flags is no order here
  set_tail(512, 17, 9);
  set_tail(512, 16, 1);
  expect(512, PageClass::kernel, 512);
  set_tail(512, 16, 2);
  expect(512, PageClass::user, 512);
}

TEST_F(PageClasses, HugetlbByDestructorOfTheFolio) {
  fake_.remove_key("NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)");
  fake_.set_key("OFFSET(folio._folio_dtor)", "80");  // counted from the head
  fake_.set_key("OFFSET(folio._folio_order)", "81");
  fake_.set_key("NUMBER(HUGETLB_PAGE_DTOR)", "2");
  fake_.set_compound(512, 9, {});
  set_tail(512, 0, 0);
  set_tail(512, 17, 9);
  set_tail(512, 16, 2);
  expect(512, PageClass::user, 512);
}

TEST_F(PageClasses, WithoutAHugetlbKeyTheyAreKept) {
  fake_.remove_key("NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)");
  fake_.set_compound(512, 9, {.mapcount = kFakeHugetlb});
  expect(512, PageClass::kernel, 512);
}

TEST_F(PageClasses, Poisoned) {
  fake_.set_page(64, {.flags = kFakePoison | kFakeLru});
  expect(64, PageClass::poisoned, 1);
  fake_.remove_key("NUMBER(PG_hwpoison)");
  expect(64, PageClass::cache, 1);
}

TEST_F(PageClasses, Offline) {
  fake_.set_page(64, {.mapcount = kFakeOffline});
  expect(64, PageClass::offline, 1);
  fake_.remove_key("NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)");
  expect(64, PageClass::kernel, 1);
}

TEST_F(PageClasses, TailsAreLeftToTheirHead) {
  fake_.set_compound(64, 3, {.flags = kFakeLru});
  expect(64, PageClass::cache, 8);
  for (uint64_t tail = 65; tail < 72; ++tail) expect(tail, PageClass::kernel, 1);
}

TEST_F(PageClasses, TailsUnderTheirLaterName) {
  fake_.remove_key("OFFSET(page.compound_head)");
  fake_.set_key("OFFSET(page.compound_info)", "8");
  fake_.set_compound(64, 3, {.flags = kFakeLru});
  expect(64, PageClass::cache, 8);
  expect(65, PageClass::kernel, 1);
}

TEST_F(PageClasses, CompoundHeadThatIsNotAlignedIsOnePage) {
  fake_.set_compound(68, 3, {.flags = kFakeLru});
  expect(68, PageClass::cache, 1);
  fake_.set_compound(64, 3, {.flags = kFakeLru});
  set_tail(64, 0, 200);
  expect(64, PageClass::cache, 1);
}

TEST_F(PageClasses, HeadWithoutItsTailInSightIsOnePage) {
  fake_.set_compound(64, 3, {.flags = kFakeLru});
  EXPECT_EQ(classify(64, 1).pages, 1u);
}

TEST_F(PageClasses, WithoutTheHeadMaskCompoundPagesAreSingle) {
  fake_.remove_key("NUMBER(PG_head_mask)");
  fake_.set_compound(64, 3, {.flags = kFakeLru});
  expect(64, PageClass::cache, 1);
  EXPECT_THAT(warnings(), ElementsAre(HasSubstr("compound")));
}

TEST_F(PageClasses, AKernelWithAllSymbolsNeedsNoWarning) {
  EXPECT_THAT(warnings(), IsEmpty());
}

TEST_F(PageClasses, KeysWithoutWhichNothingWorksAreNamed) {
  for (const std::string key :
       {"SIZE(page)", "OFFSET(page.flags)", "OFFSET(page.mapping)", "OFFSET(page._mapcount)",
        "OFFSET(page.private)", "OFFSET(page.compound_head)", "NUMBER(PG_lru)", "NUMBER(PG_private)"}) {
    FakeKernel fake;
    fake.remove_key(key);
    const auto classifier = PageClassifier::create(fake.parsed());
    ASSERT_FALSE(classifier) << key;
    EXPECT_EQ(classifier.error().code, ErrorCode::not_found);
    EXPECT_THAT(classifier.error().message, HasSubstr(key));
  }
}

TEST_F(PageClasses, MembersOutsideTheStructureAreCorrupt) {
  for (const std::string key : {"OFFSET(page.flags)", "OFFSET(page.mapping)", "OFFSET(page._mapcount)",
                                "OFFSET(page.private)", "OFFSET(page.compound_head)"}) {
    for (const std::string value : {"57", "18446744073709551615"}) {
      FakeKernel fake;
      fake.set_key(key, value);
      EXPECT_EQ(PageClassifier::create(fake.parsed()).error().code, ErrorCode::corrupt)
          << key << '=' << value;
    }
  }
}

TEST(DumpLevel, WhatEachBitLeavesOut) {
  const std::pair<PageClass, int> classes[] = {
      {PageClass::kernel, 0},
      {PageClass::free, kLevelFree},
      {PageClass::unaccepted, kLevelFree},
      {PageClass::cache, kLevelCache | kLevelCachePrivate},
      {PageClass::cache_private, kLevelCachePrivate},
      {PageClass::user, kLevelUser},
  };
  for (int level = 0; level <= kLevelAll; ++level) {
    for (const auto& [page_class, bits] : classes)
      EXPECT_EQ(level_excludes(level, page_class), (level & bits) != 0)
          << level << page_class_name(page_class);
    EXPECT_TRUE(level_excludes(level, PageClass::poisoned));
    EXPECT_TRUE(level_excludes(level, PageClass::offline));
  }
}

struct SeenRun {
  uint64_t pfn, pages;
  PageClass page_class;
  friend bool operator==(const SeenRun&, const SeenRun&) = default;
};

class PageScan : public testing::Test {
 protected:
  PageScanStatistics scan(uint64_t first, uint64_t end) {
    runs_.clear();
    const auto memory = fake_.open();
    const auto map = MemMap::create(memory).value();
    const auto classifier = PageClassifier::create(memory.vmcoreinfo()).value();
    auto statistics =
        scan_page_classes(memory, map, classifier, first, end,
                          [this](auto pfn, auto pages, auto found) { runs_.push_back({pfn, pages, found}); });
    uint64_t next = first;
    for (const auto& run : runs_) {
      EXPECT_EQ(run.pfn, next);
      next = run.pfn + run.pages;
    }
    EXPECT_EQ(next, std::max(first, end));
    return statistics;
  }
  FakeKernel fake_;
  std::vector<SeenRun> runs_;
};

TEST_F(PageScan, JoinsNeighboursAndCoversTheRange) {
  fake_.set_compound(64, 3, {.flags = kFakeLru});
  fake_.set_page(72, {.flags = kFakeLru});
  fake_.set_page(128, {.private_data = 7, .mapcount = kFakeBuddy});
  const auto statistics = scan(0, fake_.ram_pages());
  EXPECT_THAT(runs_, ElementsAre(SeenRun{0, 64, PageClass::kernel}, SeenRun{64, 9, PageClass::cache},
                                 SeenRun{73, 55, PageClass::kernel}, SeenRun{128, 128, PageClass::free},
                                 SeenRun{256, 7936, PageClass::kernel}));
  EXPECT_EQ(statistics.unreadable_pages, 0u);
  EXPECT_EQ(statistics.sections_without_map, 0u);
}

TEST_F(PageScan, ClipsRunsToTheRange) {
  fake_.set_page(128, {.private_data = 7, .mapcount = kFakeBuddy});
  scan(128, 130);
  EXPECT_THAT(runs_, ElementsAre(SeenRun{128, 2, PageClass::free}));
  scan(130, 130);
  EXPECT_THAT(runs_, IsEmpty());
}

TEST_F(PageScan, PagesWhoseDescriptionIsLostAreKernelPages) {
  fake_.set_page(128, {.private_data = 7, .mapcount = kFakeBuddy});
  const auto memory = fake_.open();
  // The page of the mem_map that describes page frames 64 to 127.
  const uint64_t lost = memory.translate(FakeKernel::page_address(64)).value();
  fake_.memory().fail_page(lost, ErrorCode::lost);
  const auto statistics = scan(0, fake_.ram_pages());
  EXPECT_EQ(statistics.unreadable_pages, 64u);
  EXPECT_FALSE(statistics.first_error.empty());
  EXPECT_THAT(runs_, ElementsAre(SeenRun{0, 128, PageClass::kernel}, SeenRun{128, 128, PageClass::free},
                                 SeenRun{256, 7936, PageClass::kernel}));
}

TEST_F(PageScan, SectionsWithoutAMapAreKernelPages) {
  const auto statistics = scan(0, 3 * kFakeSectionPages);
  EXPECT_EQ(statistics.sections_without_map, 2u);
  EXPECT_EQ(runs_.size(), 1u);
}

}  // namespace
}  // namespace lifeboat::test
