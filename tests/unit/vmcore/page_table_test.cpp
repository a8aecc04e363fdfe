// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/x86_64/page_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
