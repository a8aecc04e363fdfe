// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/x86_64/page_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/fake_kernel.h"

namespace lifeboat::test {
namespace {

using testing::HasSubstr;

constexpr uint64_t kDirectMap = 0xffff888000000000;
constexpr uint64_t k4K = 4096, k2M = 2u << 20, k1G = 1u << 30;

std::unique_ptr<AddressSpace> space(FakeKernel& fake) {
  return x86_64::kernel_page_table(fake.memory(), fake.parsed()).value();
}

ErrorCode failure(FakeKernel& fake, uint64_t address) {
  const auto translation = space(fake)->translate(address);
  EXPECT_FALSE(translation);
  return translation ? ErrorCode::io : translation.error().code;
}

struct Size {
  unsigned levels;
  uint64_t page;
};

class EverySize : public testing::TestWithParam<Size> {};

TEST_P(EverySize, TranslatesFirstAndLastByte) {
  const auto [levels, page] = GetParam();
  FakeKernel fake({.levels = levels});
  const uint64_t virtual_address = kDirectMap + 5 * page;
  const uint64_t physical = 7 * page;
  fake.map(virtual_address, physical, page);
  const auto table = space(fake);
  const auto first = table->translate(virtual_address);
  ASSERT_TRUE(first) << first.error().to_string();
  EXPECT_EQ(first->physical_address, physical);
  EXPECT_EQ(first->bytes_left, page);
  const auto last = table->translate(virtual_address + page - 1);
  ASSERT_TRUE(last);
  EXPECT_EQ(last->physical_address, physical + page - 1);
  EXPECT_EQ(last->bytes_left, 1u);
  EXPECT_EQ(table->translate(virtual_address + page).error().code, ErrorCode::not_mapped);
  EXPECT_EQ(table->translate(virtual_address - 1).error().code, ErrorCode::not_mapped);
}

INSTANTIATE_TEST_SUITE_P(PageTable, EverySize,
                         testing::Values(Size{4, k4K}, Size{4, k2M}, Size{4, k1G}, Size{5, k4K}, Size{5, k2M},
                                         Size{5, k1G}),
                         [](const auto& test) {
                           return fmt::format("{}Levels{}K", test.param.levels, test.param.page / 1024);
                         });

TEST(PageTable, FiveLevelsReachAddressesThatFourDoNot) {
  constexpr uint64_t kFiveLevelMap = 0xff11000000000000;
  FakeKernel five({.levels = 5});
  five.map(kFiveLevelMap, 0x5000);
  EXPECT_EQ(space(five)->translate(kFiveLevelMap + 1).value().physical_address, 0x5001u);
  FakeKernel four;
  EXPECT_THAT(space(four)->translate(kFiveLevelMap).error().message, HasSubstr("is not a valid address"));
}

TEST(PageTable, AddressesInTheHoleAreNotMapped) {
  FakeKernel fake;
  EXPECT_EQ(failure(fake, 0x0000800000000000), ErrorCode::not_mapped);
  EXPECT_EQ(failure(fake, 0xffff7fffffffffff), ErrorCode::not_mapped);
  EXPECT_EQ(failure(fake, 0), ErrorCode::not_mapped);
}

TEST(PageTable, EncryptionBitIsNoPartOfTheAddress) {
  FakeKernel fake({.sme_mask = uint64_t{1} << 47});
  fake.map(kDirectMap, 0x123000);
  EXPECT_EQ(space(fake)->translate(kDirectMap).value().physical_address, 0x123000u);
}

TEST(PageTable, NoExecuteAndProtectionKeysAreNoPartOfTheAddress) {
  FakeKernel fake;
  fake.memory().write64(fake.entry_address(kDirectMap, 0), 0xfff0000000123fff);
  EXPECT_EQ(space(fake)->translate(kDirectMap).value().physical_address, 0x123000u);
}

TEST(PageTable, PatBitOfALargePageIsNoPartOfItsAddress) {
  FakeKernel fake;
  fake.memory().write64(fake.entry_address(kDirectMap, 1), 0x600000 | 0x1000 | 0xe3);
  EXPECT_EQ(space(fake)->translate(kDirectMap + 0x1234).value().physical_address, 0x601234u);
}

TEST(PageTable, NotPresentAtEveryLevel) {
  for (unsigned level = 0; level < 4; ++level) {
    FakeKernel fake;
    fake.map(kDirectMap, 0x5000);
    const uint64_t entry = fake.entry_address(kDirectMap, level);
    // All other bits set: only this one counts.
    fake.memory().write64(entry, 0x000ffffffffffffe);
    EXPECT_EQ(failure(fake, kDirectMap), ErrorCode::not_mapped) << level;
  }
}

TEST(PageTable, TableThatIsNotInTheDumpIsReportedWithTheReason) {
  for (const auto code : {ErrorCode::not_present, ErrorCode::excluded, ErrorCode::lost, ErrorCode::corrupt}) {
    FakeKernel fake;
    fake.map(kDirectMap, 0x5000);
    fake.memory().fail_page(fake.entry_address(kDirectMap, 0), code);
    EXPECT_EQ(failure(fake, kDirectMap), code);
  }
}

TEST(PageTable, TablesThatPointToThemselvesEnd) {
  FakeKernel fake;
  const uint64_t entry = fake.entry_address(kDirectMap, 3);
  fake.memory().write64(entry, align_down(entry, 4096) | 0x63);
  // Four steps, whatever they find: the root is then read as a table of pages.
  const auto translation = space(fake)->translate(kDirectMap);
  EXPECT_TRUE(!translation || translation->bytes_left <= k4K);
}

TEST(PageTable, LargePageBitAtTheTopLevelsIsNotALeaf) {
  FakeKernel fake({.levels = 5});
  fake.map(kDirectMap, 0x5000);
  for (const unsigned level : {3u, 4u}) {
    const uint64_t entry = fake.entry_address(kDirectMap, level);
    uint64_t value = 0;
    ASSERT_TRUE(fake.memory().read(entry, std::as_writable_bytes(std::span(&value, 1))));
    fake.memory().write64(entry, value | 0x80);
  }
  EXPECT_EQ(space(fake)->translate(kDirectMap).value().physical_address, 0x5000u);
}

TEST(PageTable, MoreTablesThanAreKept) {
  FakeKernel fake;
  for (uint64_t index = 0; index < 300; ++index) fake.map(kDirectMap + index * k2M, index * k4K);
  const auto table = space(fake);
  for (int round = 0; round < 2; ++round) {
    for (uint64_t index = 0; index < 300; ++index)
      ASSERT_EQ(table->translate(kDirectMap + index * k2M).value().physical_address, index * k4K);
  }
}

TEST(PageTable, FramesOfAllTables) {
  for (const unsigned levels : {4U, 5U}) {
    FakeKernel fake({.levels = levels, .sme_mask = uint64_t{1} << 47});
    fake.map(kDirectMap, 0x5000);
    fake.map(kDirectMap + k2M, 0x6000);
    std::set<uint64_t> expected;
    // The fake kernel's image has large pages, so there is no lowest table. Its mem_map has small ones.
    for (unsigned level = 1; level < levels; ++level)
      expected.insert(fake.entry_address(0xffffffff80000000, level) / k4K);
    for (const uint64_t address : {kDirectMap, kDirectMap + k2M, FakeKernel::page_address(0)})
      for (unsigned level = 0; level < levels; ++level)
        expected.insert(fake.entry_address(address, level) / k4K);
    const auto found = space(fake)->table_frames(1000);
    EXPECT_THAT(found.frames, testing::ElementsAreArray(expected)) << levels;
    EXPECT_FALSE(found.cut);
    EXPECT_EQ(found.unreadable, 0u);
  }
}

TEST(PageTable, FramesOfLargePagesAreNoTables) {
  FakeKernel fake;
  const size_t before = space(fake)->table_frames(1000).frames.size();
  fake.map(kDirectMap, 5 * k1G, k1G);
  EXPECT_EQ(space(fake)->table_frames(1000).frames.size(), before + 1);
  fake.map(kDirectMap + k1G, 5 * k2M, k2M);
  EXPECT_EQ(space(fake)->table_frames(1000).frames.size(), before + 2);
}

// As with KASAN, whose shadow has one table in all places.
TEST(PageTable, SharedTablesCountOnce) {
  FakeKernel fake;
  fake.map(kDirectMap, 0x5000);
  const size_t before = space(fake)->table_frames(1000).frames.size();
  for (const unsigned level : {1U, 2U, 3U}) {
    const uint64_t first = fake.entry_address(kDirectMap, level);
    uint64_t value = 0;
    ASSERT_TRUE(fake.memory().read(first, std::as_writable_bytes(std::span(&value, 1))));
    for (uint64_t entry = first; entry < align_down(first, k4K) + uint64_t{300} * 8; entry += 8)
      fake.memory().write64(entry, value);
  }
  const auto found = space(fake)->table_frames(1000);
  EXPECT_EQ(found.frames.size(), before);
  EXPECT_FALSE(found.cut);
}

TEST(PageTable, TablesThatLeadToEachOtherEnd) {
  FakeKernel fake;
  const uint64_t root = align_down(fake.entry_address(kDirectMap, 3), k4K);
  for (uint64_t entry = root; entry < root + k4K; entry += 8) fake.memory().write64(entry, root | 0x63);
  EXPECT_THAT(space(fake)->table_frames(1000).frames, testing::ElementsAre(root / k4K));
}

// Every entry leads somewhere else: no more than are asked for are returned, the upper ones first.
TEST(PageTable, MoreTablesThanAreAskedFor) {
  FakeKernel fake;
  const uint64_t table = align_down(fake.entry_address(kDirectMap, 1), k4K);
  for (uint64_t index = 0; index < 512; ++index)
    fake.memory().write64(table + index * 8, (uint64_t{0x100000} + index) * k4K | 0x63);
  const auto all = space(fake)->table_frames(10'000);
  EXPECT_FALSE(all.cut);
  EXPECT_THAT(all.frames, testing::Contains(0x1001ffu));
  const auto some = space(fake)->table_frames(100);
  EXPECT_TRUE(some.cut);
  EXPECT_EQ(some.frames.size(), 100u);
  EXPECT_THAT(some.frames, testing::Contains(table / k4K));
  EXPECT_TRUE(space(fake)->table_frames(0).cut);
  EXPECT_TRUE(space(fake)->table_frames(0).frames.empty());
}

TEST(PageTable, TablesThatCannotBeReadAreCounted) {
  FakeKernel fake;
  fake.map(kDirectMap, 0x5000);
  const uint64_t lost = fake.entry_address(kDirectMap, 1), below = fake.entry_address(kDirectMap, 0);
  fake.memory().fail_page(lost, ErrorCode::lost);
  const auto found = space(fake)->table_frames(1000);
  EXPECT_EQ(found.unreadable, 1u);
  EXPECT_THAT(found.first_error, HasSubstr("was made to fail"));
  EXPECT_THAT(found.frames, testing::Contains(lost / k4K));
  EXPECT_THAT(found.frames, testing::Not(testing::Contains(below / k4K)));
}

TEST(PageTable, RootNeedsItsKeys) {
  FakeKernel fake;
  const auto root = std::string(fake.parsed().value("SYMBOL(swapper_pg_dir)").value());
  fake.remove_key("SYMBOL(swapper_pg_dir)");
  fake.remove_key("SYMBOL(init_top_pgt)");
  EXPECT_EQ(x86_64::kernel_page_table(fake.memory(), fake.parsed()).error().code, ErrorCode::not_found);
  fake.set_key("SYMBOL(init_top_pgt)", root);
  EXPECT_TRUE(x86_64::kernel_page_table(fake.memory(), fake.parsed()));
  fake.set_key("SYMBOL(init_top_pgt)", "1000");
  EXPECT_EQ(x86_64::kernel_page_table(fake.memory(), fake.parsed()).error().code, ErrorCode::corrupt);
  fake.set_key("SYMBOL(init_top_pgt)", root);
  fake.remove_key("NUMBER(phys_base)");
  EXPECT_EQ(x86_64::kernel_page_table(fake.memory(), fake.parsed()).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace lifeboat::test
