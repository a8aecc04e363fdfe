// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/free_lists.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/support/fake_free_lists.h"
#include "tests/support/kallsyms_builder.h"
#include "tests/support/results.h"

namespace lifeboat::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class FreeLists : public testing::Test {
 protected:
  Result<FreeListStatistics> walk() {
    blocks_.clear();
    const auto memory = fake_.open();
    const auto map = MemMap::create(memory).value();
    return walk_free_lists(memory, map, [this](uint64_t pfn, uint64_t pages) {
      blocks_[pfn] = pages;
      return true;
    });
  }
  FreeListStatistics expect_walk() {
    auto statistics = walk();
    EXPECT_TRUE(statistics) << why(statistics);
    return statistics ? *std::move(statistics) : FreeListStatistics{};
  }
  // Three blocks of one list.
  void add_three() {
    for (const uint64_t pfn : {64, 128, 32}) lists_.add({.order = 5}, pfn);
  }

  FakeKernel fake_;
  FakeFreeLists lists_{fake_};
  std::map<uint64_t, uint64_t> blocks_;
};

TEST_F(FreeLists, AllZonesOrdersAndTypes) {
  add_three();
  lists_.add({.zone = 0, .order = 0, .type = 5}, 7);
  lists_.add({.zone = 2, .order = 10, .type = 3}, 4096);
  lists_.add({.zone = 1, .order = 1, .type = 1}, 1000);
  const auto statistics = expect_walk();
  EXPECT_THAT(blocks_, ElementsAre(Pair(7, 1), Pair(32, 32), Pair(64, 32), Pair(128, 32), Pair(1000, 2),
                                   Pair(4096, 1024)));
  EXPECT_EQ(statistics.blocks, 6u);
  EXPECT_EQ(statistics.pages, 1u + 96 + 2 + 1024);
  EXPECT_EQ(statistics.damaged, 0u);
}

TEST_F(FreeLists, ZonesWithoutPagesHaveNoLists) {
  add_three();
  for (uint64_t order = 0; order < FakeFreeLists::kOrders; ++order) {
    for (uint64_t type = 0; type < FakeFreeLists::kTypes; ++type) {
      const uint64_t head = lists_.head({.zone = 2, .order = order, .type = type});
      fake_.write64(head, 0);
      fake_.write64(head + 8, 0);
    }
  }
  EXPECT_EQ(expect_walk().damaged, 0u);
  EXPECT_EQ(blocks_.size(), 3u);
}

TEST_F(FreeLists, OfSeveralNodes) {
  FakeKernel fake;
  FakeFreeLists lists(fake, 3);
  for (uint64_t node = 0; node < 3; ++node) lists.add({.node = node, .order = 2}, 100 * (node + 1));
  const auto memory = fake.open();
  const auto map = MemMap::create(memory).value();
  std::vector<uint64_t> seen;
  ASSERT_TRUE(walk_free_lists(memory, map, [&](uint64_t pfn, uint64_t) {
    seen.push_back(pfn);
    return true;
  }));
  EXPECT_THAT(seen, ElementsAre(100, 200, 300));
}

TEST_F(FreeLists, TheVisitorEndsTheWalk) {
  add_three();
  lists_.add({.zone = 1, .order = 1, .type = 1}, 1000);
  const auto memory = fake_.open();
  const auto map = MemMap::create(memory).value();
  size_t seen = 0;
  ASSERT_TRUE(walk_free_lists(memory, map, [&seen](uint64_t, uint64_t) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2u);
}

TEST_F(FreeLists, WithoutNumaTheNodeIsAVariable) {
  add_three();
  fake_.remove_key("SYMBOL(node_data)");
  fake_.set_key("SYMBOL(contig_page_data)", fmt::format("{:x}", lists_.node(0)));
  EXPECT_EQ(expect_walk().blocks, 3u);
}

TEST_F(FreeLists, NodesByTheKernelsSymbols) {
  add_three();
  auto symbols = sample_symbols(fake_);
  symbols.insert(symbols.end() - 1, Symbol{"node_data", lists_.node_data(), 'D', ""});
  put_kallsyms(fake_, symbols);
  fake_.remove_key("SYMBOL(node_data)");
  fake_.remove_key("LENGTH(node_data)");
  EXPECT_EQ(code_of(walk()), ErrorCode::not_found) << "without the size of the set of nodes";
  fake_.set_key("SIZE(nodemask_t)", "8");
  EXPECT_EQ(expect_walk().blocks, 3u);
}

// What lies on the other side of the damage is found backwards.
TEST_F(FreeLists, DamageIsPassedFromBothSides) {
  add_three();
  lists_.add({.order = 5}, 256);
  lists_.add({.order = 5}, 512);
  // The middle one leads to nowhere.
  fake_.write64(FakeFreeLists::link(32), 0xffffc90000000000);
  fake_.write64(FakeFreeLists::link(32) + 8, 0xffffc90000000000);
  const auto statistics = expect_walk();
  EXPECT_THAT(blocks_, ElementsAre(Pair(64, 32), Pair(128, 32), Pair(256, 32), Pair(512, 32)));
  EXPECT_EQ(statistics.damaged, 1u);
  EXPECT_FALSE(statistics.first_damage.empty());
}

TEST_F(FreeLists, AListThatLoopsEnds) {
  add_three();
  fake_.write64(FakeFreeLists::link(32), FakeFreeLists::link(64));  // the last leads to the first
  const auto statistics = expect_walk();
  EXPECT_EQ(blocks_.size(), 3u);
  EXPECT_EQ(statistics.damaged, 1u);
  EXPECT_THAT(statistics.first_damage, HasSubstr("does not point back"));
  fake_.write64(lists_.head({.order = 3}), lists_.head({.order = 4}));  // a head that leads to another
  EXPECT_EQ(expect_walk().damaged, 2u);
}

TEST_F(FreeLists, WhatIsNoFreeBlockOfThatOrderIsNotTaken) {
  lists_.add({.order = 5}, 64);
  fake_.write64(FakeKernel::page_address(64) + 40, 4);  // another order
  EXPECT_EQ(expect_walk().damaged, 1u);
  EXPECT_THAT(blocks_, IsEmpty());

  lists_.add({.zone = 1, .order = 5}, 66);  // not aligned
  EXPECT_EQ(expect_walk().damaged, 2u);
  EXPECT_THAT(blocks_, IsEmpty());
}

TEST_F(FreeLists, ANodeThatIsNoStructPageIsNotTaken) {
  const uint64_t head = lists_.head({.order = 0});
  const uint64_t elsewhere = fake_.allocate(4096);
  for (const uint64_t node : {elsewhere + 64, FakeFreeLists::link(64) + 8}) {
    fake_.write64(head, node);
    fake_.write64(head + 8, node);
    fake_.write64(node, head);
    fake_.write64(node + 8, head);
    EXPECT_EQ(expect_walk().damaged, 1u);
    EXPECT_THAT(blocks_, IsEmpty());
  }
}

TEST_F(FreeLists, NodesWithSenselessNumbers) {
  add_three();
  fake_.write32(lists_.node(0) + FakeFreeLists::kZoneCount, 0xffffffff);
  const auto statistics = expect_walk();
  EXPECT_EQ(statistics.damaged, 1u);
  EXPECT_THAT(blocks_, IsEmpty());
  fake_.write64(lists_.node_data() + 8, 0);
  EXPECT_EQ(code_of(walk()), ErrorCode::corrupt) << "no node at all";
}

TEST_F(FreeLists, NamesTheKeyThatIsMissing) {
  for (const std::string key :
       {"SIZE(pglist_data)", "OFFSET(pglist_data.node_zones)", "OFFSET(pglist_data.nr_zones)", "SIZE(zone)",
        "OFFSET(zone.free_area)", "LENGTH(zone.free_area)", "SIZE(free_area)", "OFFSET(free_area.free_list)",
        "LENGTH(free_area.free_list)", "SIZE(list_head)", "OFFSET(list_head.next)", "OFFSET(list_head.prev)",
        "OFFSET(page.lru)", "OFFSET(page.private)"}) {
    FakeKernel fake;
    const FakeFreeLists lists(fake);
    fake.remove_key(key);
    const auto memory = fake.open();
    const auto map = MemMap::create(memory).value();
    const auto walked = walk_free_lists(memory, map, [](uint64_t, uint64_t) { return true; });
    ASSERT_FALSE(walked) << key;
    EXPECT_EQ(walked.error().code, ErrorCode::not_found) << key;
    EXPECT_THAT(walked.error().message, HasSubstr(key));
  }
}

TEST_F(FreeLists, SenselessSizesAreCorrupt) {
  for (const std::string key :
       {"SIZE(pglist_data)", "OFFSET(pglist_data.node_zones)", "OFFSET(pglist_data.nr_zones)", "SIZE(zone)",
        "OFFSET(zone.free_area)", "LENGTH(zone.free_area)", "SIZE(free_area)", "OFFSET(free_area.free_list)",
        "LENGTH(free_area.free_list)", "SIZE(list_head)", "OFFSET(list_head.next)",
        "OFFSET(list_head.prev)"}) {
    FakeKernel fake;
    const FakeFreeLists lists(fake);
    fake.set_key(key, "18446744073709551615");
    const auto memory = fake.open();
    const auto map = MemMap::create(memory).value();
    EXPECT_EQ(code_of(walk_free_lists(memory, map, [](uint64_t, uint64_t) { return true; })),
              ErrorCode::corrupt)
        << key;
  }
}

}  // namespace
}  // namespace lifeboat::test
