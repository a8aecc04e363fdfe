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
    EXPECT_EQ(run.unknown_type, 0u);
  }
  bool is_poisoned(uint64_t pfn) {
    const auto memory = fake_.open();
    std::vector<std::byte> structs(kFakePageSize);
    EXPECT_TRUE(memory.read(FakeKernel::page_address(pfn), structs));
    return PageClassifier::create(memory.vmcoreinfo()).value().is_poisoned(structs);
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

TEST_F(PageClasses, FreeBlockThatIsNotAlignedIsKept) {
  fake_.set_page(66, {.private_data = 5, .mapcount = kFakeBuddy});
  expect(66, PageClass::kernel, 1);
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
  const auto run = classify(64);
  EXPECT_EQ(run.page_class, PageClass::kernel);
  EXPECT_EQ(run.pages, 1u);
  EXPECT_EQ(run.unknown_type, kFakeBuddy);
  EXPECT_THAT(warnings(), ElementsAre(HasSubstr("free pages")));
}

TEST_F(PageClasses, Unaccepted) {
  fake_.set_page(1024, {.mapcount = kFakeUnaccepted});
  expect(1024, PageClass::unaccepted, 1024);
  fake_.remove_key("LENGTH(zone.free_area)");
  expect(1024, PageClass::unaccepted, 1);
  fake_.set_page(1026, {.mapcount = kFakeUnaccepted});
  expect(1026, PageClass::unaccepted, 1);
  fake_.remove_key("NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)");
  EXPECT_EQ(classify(1024).page_class, PageClass::kernel);
  EXPECT_EQ(classify(1024).unknown_type, kFakeUnaccepted);
}

TEST_F(PageClasses, UnacceptedBlockThatIsNotAlignedIsOnePage) {
  fake_.set_page(1028, {.mapcount = kFakeUnaccepted});
  expect(1028, PageClass::unaccepted, 1);
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
  EXPECT_EQ(classify(512).page_class, PageClass::kernel);
  EXPECT_EQ(classify(512).pages, 512u);
  EXPECT_EQ(classify(512).unknown_type, kFakeHugetlb);
}

TEST_F(PageClasses, HugetlbTypeWithoutAHeadIsKept) {
  fake_.set_page(512, {.mapcount = kFakeHugetlb});
  expect(512, PageClass::kernel, 1);
}

// The head's flag says that some page of it is broken, not which.
TEST_F(PageClasses, HugetlbWithABrokenPageIsPoisonedAsAWhole) {
  fake_.set_compound(512, 9, {.flags = kFakePoison, .mapcount = kFakeHugetlb});
  expect(512, PageClass::poisoned, 512);
  fake_.remove_key("NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)");
  fake_.set_key("NUMBER(PG_hugetlb)", "8");
  fake_.set_compound(512, 9, {.flags = kFakePoison});
  expect(512, PageClass::kernel, 512);
  set_tail(512, 1, 1);
  expect(512, PageClass::poisoned, 512);
}

TEST_F(PageClasses, WhereHugetlbIsUnknownABrokenHeadPoisonsTheWhole) {
  fake_.remove_key("NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)");
  fake_.set_compound(512, 9, {.flags = kFakePoison});
  expect(512, PageClass::poisoned, 512);
  // Not those that cannot be hugetlb.
  fake_.set_compound(512, 9, {.flags = kFakePoison | kFakeLru});
  expect(512, PageClass::cache, 512);
  fake_.set_compound(512, 9, {.flags = kFakePoison, .mapcount = kFakeSlab});
  expect(512, PageClass::kernel, 512);
}

TEST_F(PageClasses, BrokenPagesAreSeenBesideTheirClass) {
  fake_.set_page(64, {.flags = kFakePoison | kFakeLru});
  expect(64, PageClass::cache, 1);
  EXPECT_TRUE(is_poisoned(64));
  EXPECT_TRUE(classify(64).first_is_broken);
  EXPECT_FALSE(is_poisoned(65));
  EXPECT_FALSE(classify(65).first_is_broken);
  fake_.remove_key("NUMBER(PG_hwpoison)");
  EXPECT_FALSE(is_poisoned(64));
}

// A type takes the place of the number of mappings: such a page is not mapped, so neither cache nor
// anonymous, whatever else it looks like.
TEST_F(PageClasses, PagesWithATypeAreTheKernels) {
  for (const uint32_t type : {kFakeSlab, uint32_t{0xf2000000}, uint32_t{0xf6000010}, uint32_t{0xf8000000}}) {
    for (const uint64_t flags : {uint64_t{0}, kFakeLru, kFakeSwapCache | kFakeSwapBacked}) {
      fake_.set_page(64, {.flags = flags, .mapping = kAnonymous, .mapcount = type});
      expect(64, PageClass::kernel, 1);
    }
  }
}

TEST_F(PageClasses, PagesOfAnUnknownTypeAreKeptAndNamed) {
  fake_.set_compound(64, 3, {.flags = kFakeLru, .mapping = kAnonymous, .mapcount = 0xf9000123});
  const auto run = classify(64);
  EXPECT_EQ(run.page_class, PageClass::kernel);
  EXPECT_EQ(run.pages, 8u);
  EXPECT_EQ(run.unknown_type, 0xf9000000);
}

TEST_F(PageClasses, Offline) {
  fake_.set_page(64, {.mapcount = kFakeOffline});
  expect(64, PageClass::offline, 1);
  fake_.remove_key("NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)");
  EXPECT_EQ(classify(64).page_class, PageClass::kernel);
  EXPECT_EQ(classify(64).unknown_type, kFakeOffline);
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

// As in a page of the kernel's image: the flags are what was left there.
TEST_F(PageClasses, HeadThatNoTailFollowsIsOnePage) {
  fake_.set_page(512, {.flags = kFakeLru | kFakeHead});
  fake_.set_page(513, {.flags = 9});
  expect(512, PageClass::cache, 1);
  fake_.remove_key("NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)");
  fake_.set_key("NUMBER(PG_hugetlb)", "8");
  fake_.set_page(512, {.flags = kFakeHead});
  fake_.set_page(513, {.flags = 9 | 1 << 8});
  expect(512, PageClass::kernel, 1);
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
  PageScanStatistics scan(uint64_t first, uint64_t end, FreeBlocks free_blocks = FreeBlocks::as_a_whole) {
    runs_.clear();
    const auto memory = fake_.open();
    const auto map = MemMap::create(memory).value();
    const auto classifier = PageClassifier::create(memory.vmcoreinfo()).value();
    auto statistics = scan_page_classes(
        memory, map, classifier, first, end,
        [this](auto pfn, auto pages, auto found) { runs_.push_back({pfn, pages, found}); }, free_blocks);
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

TEST_F(PageScan, ABrokenHeadIsNotTheWholeCompoundPage) {
  fake_.set_compound(64, 3, {.flags = kFakeLru | kFakePoison});
  fake_.set_page(72, {.flags = kFakeLru | kFakePoison});
  scan(64, 74);
  EXPECT_THAT(runs_, ElementsAre(SeenRun{64, 1, PageClass::poisoned}, SeenRun{65, 7, PageClass::cache},
                                 SeenRun{72, 1, PageClass::poisoned}, SeenRun{73, 1, PageClass::kernel}));
}

// Its head is not in the range.
TEST_F(PageScan, ABrokenTailAlone) {
  fake_.set_compound(64, 3, {.flags = kFakeLru});
  fake_.set_page(70, {.flags = kFakePoison, .compound_head = FakeKernel::page_address(64) | 1});
  scan(66, 72);
  EXPECT_THAT(runs_, ElementsAre(SeenRun{66, 4, PageClass::kernel}, SeenRun{70, 1, PageClass::poisoned},
                                 SeenRun{71, 1, PageClass::kernel}));
}

TEST_F(PageScan, ABrokenHugetlbPageIsOneRun) {
  fake_.set_compound(512, 9, {.flags = kFakePoison, .mapcount = kFakeHugetlb});
  scan(512, 1024);
  EXPECT_THAT(runs_, ElementsAre(SeenRun{512, 512, PageClass::poisoned}));
}

TEST_F(PageScan, BrokenPagesOfFreeBlocks) {
  fake_.set_page(64, {.flags = kFakePoison, .private_data = 3, .mapcount = kFakeBuddy});
  fake_.set_page(67, {.flags = kFakePoison});
  scan(64, 72);
  EXPECT_THAT(runs_, ElementsAre(SeenRun{64, 1, PageClass::poisoned}, SeenRun{65, 7, PageClass::free}));
  scan(64, 72, FreeBlocks::page_by_page);
  EXPECT_THAT(runs_, ElementsAre(SeenRun{64, 1, PageClass::poisoned}, SeenRun{65, 2, PageClass::free},
                                 SeenRun{67, 1, PageClass::poisoned}, SeenRun{68, 4, PageClass::free}));
}

TEST_F(PageScan, CountsThePagesOfUnknownTypes) {
  fake_.set_page(64, {.mapcount = 0xf9000000});
  fake_.set_page(70, {.mapcount = 0xfa000001});
  fake_.set_compound(72, 3, {.mapcount = 0xf9000005});
  const auto statistics = scan(0, 128);
  EXPECT_THAT(statistics.unknown_types,
              ElementsAre(UnknownPageType{0xf9000000, 9}, UnknownPageType{0xfa000000, 1}));
  EXPECT_EQ(statistics.other_unknown_pages, 0u);
  EXPECT_THAT(runs_, ElementsAre(SeenRun{0, 128, PageClass::kernel}));
}

// Without a known encoding each word is a type of its own.
TEST_F(PageScan, OnlySoManyUnknownTypesAreKeptApart) {
  fake_.remove_key("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)");
  for (uint32_t page = 0; page < 100; ++page) fake_.set_page(page, {.mapcount = 0xa0000000 + page});
  auto statistics = scan(0, 50);
  EXPECT_EQ(statistics.unknown_types.size(), PageScanStatistics::kMaxUnknownTypes);
  EXPECT_EQ(statistics.other_unknown_pages, 50 - PageScanStatistics::kMaxUnknownTypes);
  statistics.add(scan(50, 100));
  EXPECT_EQ(statistics.unknown_types.size(), PageScanStatistics::kMaxUnknownTypes);
  EXPECT_EQ(statistics.other_unknown_pages, 100 - PageScanStatistics::kMaxUnknownTypes);
  EXPECT_EQ(statistics.unknown_types.front().pages, 1u);
}

TEST_F(PageScan, StatisticsOfTwoScansAddUp) {
  fake_.set_page(64, {.mapcount = 0xf9000000});
  fake_.set_page(128, {.mapcount = 0xf9000000});
  const auto memory = fake_.open();
  fake_.memory().fail_page(memory.translate(FakeKernel::page_address(256)).value(), ErrorCode::lost);
  auto statistics = scan(0, 128);
  statistics.add(scan(128, kFakeSectionPages + 5));
  EXPECT_EQ(statistics.unreadable_pages, kFakeSectionPages - fake_.ram_pages() + 64);
  EXPECT_EQ(statistics.sections_without_map, 1u);
  EXPECT_FALSE(statistics.first_error.empty());
  EXPECT_THAT(statistics.unknown_types, ElementsAre(UnknownPageType{0xf9000000, 2}));
}

TEST_F(PageScan, SectionsWithoutAMapAreKernelPages) {
  const auto statistics = scan(0, 3 * kFakeSectionPages);
  EXPECT_EQ(statistics.sections_without_map, 2u);
  EXPECT_EQ(runs_.size(), 1u);
}

}  // namespace
}  // namespace lifeboat::test
