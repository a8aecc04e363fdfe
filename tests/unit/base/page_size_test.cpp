// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/page_size.h"

#include <gtest/gtest.h>

namespace lifeboat {
namespace {

TEST(PageSize, ThreeSizesExist) {
  for (const auto& [bytes, shift] : {std::pair(4096u, 12u), {16384u, 14u}, {65536u, 16u}}) {
    const auto page_size = PageSize::of(bytes);
    ASSERT_TRUE(page_size) << bytes;
    EXPECT_EQ(page_size->bytes(), bytes);
    EXPECT_EQ(page_size->shift(), shift);
  }
  EXPECT_EQ(PageSize(), PageSize::of(4096));
}

TEST(PageSize, NoOtherSizeExists) {
  for (const uint64_t bytes :
       {uint64_t{0}, uint64_t{1}, uint64_t{3000}, uint64_t{4095}, uint64_t{4097}, uint64_t{8192},
        uint64_t{32768}, uint64_t{131072}, uint64_t{1} << 44, uint64_t{1} << 63, ~uint64_t{0}})
    EXPECT_FALSE(PageSize::of(bytes)) << bytes;
}

TEST(PageSize, CountsInPages) {
  const PageSize page_size = PageSize::of(16384).value();
  EXPECT_EQ(page_size.frame(0xffff), 3u);
  EXPECT_EQ(page_size.within(0xffff), 0x3fffu);
  EXPECT_EQ(page_size.address(3), 0xc000u);
  EXPECT_EQ(page_size.bytes(3), 0xc000u);
  EXPECT_EQ(page_size.pages(0), 0u);
  EXPECT_EQ(page_size.pages(1), 1u);
  EXPECT_EQ(page_size.pages(16384), 1u);
  EXPECT_EQ(page_size.pages(16385), 2u);
  EXPECT_EQ(page_size.pages(~uint64_t{0}), uint64_t{1} << 50);
}

}  // namespace
}  // namespace lifeboat
