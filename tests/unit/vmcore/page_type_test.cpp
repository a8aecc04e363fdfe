// SPDX-License-Identifier: GPL-2.0-or-later
// The numbers are those of include/linux/page-flags.h and of VMCOREINFO in each of these kernels.
#include "src/vmcore/page_type.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lifeboat {
namespace {

using Kind = PageTypes::Kind;

PageTypes types(const std::string& keys) {
  return PageTypes(Vmcoreinfo::parse("OSRELEASE=fake\n" + keys).value());
}

PageTypes of_5_10() {
  return types("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\nNUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257\n");
}

PageTypes of_6_10() {
  return types(
      "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\nNUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257\n"
      "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=-2049\nNUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=-4097\n");
}

PageTypes of_6_11() {
  return types(
      "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-1073741825\nNUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-536870913\n"
      "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=-67108865\nNUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=-33554433\n");
}

PageTypes of_6_16() {
  return types(
      "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-268435456\nNUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-251658240\n"
      "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=-201326592\nNUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=-184549376\n"
      "NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)=-150994944\n");
}

TEST(PageTypes, NumbersOfMappingsAreNoType) {
  for (const auto& kernel : {of_5_10(), of_6_10(), of_6_11(), of_6_16(), types("")}) {
    for (const uint32_t word : {0xffffffffU, 0U, 1U, 0x7fffffffU})
      EXPECT_EQ(kernel.kind(word), Kind::none) << std::hex << word;
    // Too often unmapped, which is an error of the kernel, but no type.
    for (const uint32_t word : {0xfffffffeU, 0xffffff80U})
      EXPECT_EQ(kernel.kind(word), Kind::none) << std::hex << word;
  }
}

TEST(PageTypes, LowBits) {
  const auto kernel = of_5_10();
  EXPECT_EQ(kernel.kind(0xffffff7f), Kind::free);
  EXPECT_EQ(kernel.kind(0xfffffeff), Kind::offline);
  // Accounted, a page table, an accounted page table, a guard page.
  for (const uint32_t word : {0xfffffdffU, 0xfffffbffU, 0xfffff9ffU, 0xfffff7ffU})
    EXPECT_EQ(kernel.kind(word), Kind::kernel) << std::hex << word;
  EXPECT_EQ(kernel.kind(0xffffefff), Kind::unknown);
  EXPECT_EQ(kernel.type_in(0xffffefff), 0xffffefff);
  EXPECT_FALSE(kernel.knows(Kind::hugetlb));
  EXPECT_FALSE(kernel.knows(Kind::slab));
  // Two types at once are none of them.
  EXPECT_EQ(kernel.kind(0xfffffe7f), Kind::unknown);
}

TEST(PageTypes, LowBitsWithHugetlbAndSlab) {
  const auto kernel = of_6_10();
  EXPECT_EQ(kernel.kind(0xfffff7ff), Kind::hugetlb);
  EXPECT_EQ(kernel.kind(0xffffefff), Kind::slab);
  EXPECT_EQ(kernel.kind(0xfffffdff), Kind::kernel);
  EXPECT_TRUE(kernel.knows(Kind::hugetlb));
  EXPECT_TRUE(kernel.knows(Kind::slab));
}

TEST(PageTypes, HighBits) {
  const auto kernel = of_6_11();
  EXPECT_EQ(kernel.kind(0xbfffffff), Kind::free);
  EXPECT_EQ(kernel.kind(0xdfffffff), Kind::offline);
  EXPECT_EQ(kernel.kind(0xfbffffff), Kind::hugetlb);
  EXPECT_EQ(kernel.kind(0xfdffffff), Kind::slab);
  // A page table, a guard page, zsmalloc, which keeps an offset in the lower bits.
  for (const uint32_t word : {0xefffffffU, 0xf7ffffffU, 0xfeffffffU, 0xfeff0010U})
    EXPECT_EQ(kernel.kind(word), Kind::kernel) << std::hex << word;
  EXPECT_EQ(kernel.kind(0xff7f1234), Kind::unknown);
  EXPECT_EQ(kernel.type_in(0xff7f1234), 0xff7fffff);
}

TEST(PageTypes, Numbers) {
  const auto kernel = of_6_16();
  EXPECT_EQ(kernel.kind(0xf0000000), Kind::free);
  EXPECT_EQ(kernel.kind(0xf1000000), Kind::offline);
  EXPECT_EQ(kernel.kind(0xf4000000), Kind::hugetlb);
  EXPECT_EQ(kernel.kind(0xf5000000), Kind::slab);
  EXPECT_EQ(kernel.kind(0xf7000000), Kind::unaccepted);
  for (const uint32_t word : {0xf2000000U, 0xf3000000U, 0xf6000123U, 0xf8000000U})
    EXPECT_EQ(kernel.kind(word), Kind::kernel) << std::hex << word;
  EXPECT_EQ(kernel.kind(0xf9abcdef), Kind::unknown);
  EXPECT_EQ(kernel.type_in(0xf9abcdef), 0xf9000000);
  // A free page has nothing in the lower bits.
  EXPECT_EQ(kernel.kind(0xf0000001), Kind::unknown);
  EXPECT_EQ(kernel.kind(0x80000000), Kind::unknown) << "so often mapped that the number became negative";
}

TEST(PageTypes, UnacceptedBeforeItsNumberWasExportedIsReported) {
  const auto kernel = types("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-268435456\n");
  EXPECT_EQ(kernel.kind(0xf7000000), Kind::unknown);
}

TEST(PageTypes, AnotherEncodingIsKnownByItsExportedNumbersOnly) {
  const auto kernel =
      types("NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-1610612736\nNUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=0xa5000000\n");
  EXPECT_EQ(kernel.kind(0xa0000000), Kind::free);
  EXPECT_EQ(kernel.kind(0xa5000000), Kind::slab);
  EXPECT_EQ(kernel.kind(0xf2000000), Kind::unknown);
  EXPECT_EQ(kernel.type_in(0xf2000001), 0xf2000001);
}

TEST(PageTypes, WithoutAnyKeyEveryTypeIsUnknown) {
  const auto kernel = types("");
  for (const uint32_t word : {0xf0000000U, 0xffffff7fU, 0xbfffffffU})
    EXPECT_EQ(kernel.kind(word), Kind::unknown) << std::hex << word;
  for (const Kind kind : {Kind::free, Kind::slab, Kind::hugetlb, Kind::offline, Kind::unaccepted,
                          Kind::kernel, Kind::unknown, Kind::none})
    EXPECT_FALSE(kernel.knows(kind));
}

}  // namespace
}  // namespace lifeboat
