// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/mem_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_kernel.h"

namespace lifeboat::test {
namespace {

using testing::HasSubstr;

class BothKinds : public testing::TestWithParam<bool> {
 protected:
  FakeKernel fake_{{.sparsemem_extreme = GetParam()}};
};

TEST_P(BothKinds, FindsTheFirstSection) {
  const auto memory = fake_.open();
  const auto map = MemMap::create(memory);
  ASSERT_TRUE(map) << map.error().to_string();
  EXPECT_EQ(map->page_struct_size(), kFakePageSize);
  EXPECT_EQ(map->pages_per_section(), kFakeSectionPages);
  for (const uint64_t pfn : {uint64_t{0}, uint64_t{1}, kFakeSectionPages - 1})
    EXPECT_EQ(map->section_map(pfn).value(), FakeKernel::page_address(0));
}

// The word holds the address less that of the section's own first page, and flags below.
TEST_P(BothKinds, DecodesLaterSections) {
  constexpr uint64_t kSection = 3;
  for (const uint64_t flags : {0x2, 0x3, 0xf, 0x1f, 0xfff}) {
    fake_.set_section(kSection, FakeKernel::page_address(0) | flags);
    const auto memory = fake_.open();
    EXPECT_EQ(MemMap::create(memory).value().section_map(kSection * kFakeSectionPages + 5).value(),
              FakeKernel::page_address(kSection * kFakeSectionPages));
  }
}

TEST_P(BothKinds, SectionsWithoutAMap) {
  fake_.set_section(1, FakeKernel::page_address(0) | 1);  // present, no mem_map
  const auto memory = fake_.open();
  const auto map = MemMap::create(memory).value();
  EXPECT_EQ(map.section_map(kFakeSectionPages).value(), std::nullopt);
  EXPECT_EQ(map.section_map(2 * kFakeSectionPages).value(), std::nullopt);
  EXPECT_EQ(map.section_map(uint64_t{1} << 40).value(), std::nullopt);
}

TEST_P(BothKinds, SectionThatPointsIntoUserSpaceIsCorrupt) {
  fake_.set_section(0, 0x400000 | 3);
  const auto memory = fake_.open();
  EXPECT_EQ(MemMap::create(memory).value().section_map(0).error().code, ErrorCode::corrupt);
}

TEST_P(BothKinds, ArrayThatIsNotThere) {
  fake_.set_key("SYMBOL(mem_section)", "ffffc90000000000");
  const auto memory = fake_.open();
  EXPECT_EQ(MemMap::create(memory).value().section_map(0).error().code, ErrorCode::not_mapped);
}

INSTANTIATE_TEST_SUITE_P(MemMap, BothKinds, testing::Bool(),
                         [](const auto& test) { return test.param ? "Extreme" : "Flat"; });

TEST(MemMap, RootsThatAreNotThere) {
  FakeKernel fake;
  const auto memory = fake.open();
  // The page of roots has 512 entries, of which only the first is set.
  EXPECT_EQ(MemMap::create(memory).value().section_map(200 * kFakeSectionPages).value(), std::nullopt);
}

TEST(MemMap, NamesTheKeyThatIsMissing) {
  for (const std::string key :
       {"SIZE(page)", "SIZE(mem_section)", "OFFSET(mem_section.section_mem_map)", "NUMBER(SECTION_SIZE_BITS)",
        "NUMBER(MAX_PHYSMEM_BITS)", "SYMBOL(mem_section)"}) {
    FakeKernel fake;
    fake.remove_key(key);
    const auto memory = fake.open();
    const auto map = MemMap::create(memory);
    ASSERT_FALSE(map) << key;
    EXPECT_EQ(map.error().code, ErrorCode::not_found);
    EXPECT_THAT(map.error().message, HasSubstr(key));
  }
}

TEST(MemMap, SenselessNumbersAreCorrupt) {
  const std::pair<const char*, const char*> cases[] = {
      {"SIZE(page)", "0"},
      {"SIZE(page)", "4097"},
      {"SIZE(mem_section)", "0"},
      {"SIZE(mem_section)", "18446744073709551615"},
      {"OFFSET(mem_section.section_mem_map)", "25"},
      {"OFFSET(mem_section.section_mem_map)", "18446744073709551615"},
      {"NUMBER(SECTION_SIZE_BITS)", "0"},
      {"NUMBER(SECTION_SIZE_BITS)", "-1"},
      {"NUMBER(SECTION_SIZE_BITS)", "64"},
      {"NUMBER(MAX_PHYSMEM_BITS)", "26"},
      {"NUMBER(MAX_PHYSMEM_BITS)", "64"},
  };
  for (const auto& [key, value] : cases) {
    FakeKernel fake;
    fake.set_key(key, value);
    const auto memory = fake.open();
    const auto map = MemMap::create(memory);
    ASSERT_FALSE(map) << key << '=' << value;
    EXPECT_EQ(map.error().code, ErrorCode::corrupt) << key << '=' << value;
  }
}

}  // namespace
}  // namespace lifeboat::test
