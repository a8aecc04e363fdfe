// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/size.h"

#include <gtest/gtest.h>

#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;

struct SizeCase {
  const char* text;
  uint64_t bytes;
};
class GoodSizes : public testing::TestWithParam<SizeCase> {};
TEST_P(GoodSizes, AreRead) {
  const auto size = parse_size(GetParam().text);
  ASSERT_TRUE(size) << GetParam().text;
  EXPECT_EQ(*size, GetParam().bytes);
}
INSTANTIATE_TEST_SUITE_P(All, GoodSizes,
                         testing::Values(SizeCase{"0", 0}, SizeCase{"4096", 4096}, SizeCase{"512K", 512_KiB},
                                         SizeCase{"512k", 512_KiB}, SizeCase{"256M", 256_MiB},
                                         SizeCase{"2g", 2_GiB}, SizeCase{"1T", 1024_GiB},
                                         SizeCase{"18446744073709551615", ~uint64_t{0}},
                                         SizeCase{"17179869183G", 17179869183_GiB}));

class BadSizes : public testing::TestWithParam<const char*> {};
TEST_P(BadSizes, AreAMistakeOfUsage) {
  EXPECT_EQ(code_of(parse_size(GetParam())), ErrorCode::usage);
}
INSTANTIATE_TEST_SUITE_P(All, BadSizes,
                         testing::Values("", "K", "M", "-1", "+1", " 1", "1 ", "1.5G", "0x10", "1MB", "1KiB",
                                         "M1", "1MM", "18446744073709551616", "17179869184G",
                                         "99999999999999999999K"));

TEST(FormatSize, ChoosesTheUnit) {
  EXPECT_EQ(format_size(0), "0 bytes");
  EXPECT_EQ(format_size(1023), "1023 bytes");
  EXPECT_EQ(format_size(1024), "1.0 KiB");
  EXPECT_EQ(format_size(1536_KiB), "1.5 MiB");
  EXPECT_EQ(format_size(~uint64_t{0}), "16.0 EiB");
}

TEST(ParseNumber, TakesWholeNumbersOnly) {
  EXPECT_EQ(parse_number("10"), 10u);
  EXPECT_EQ(parse_number("ff", 16), 255u);
  EXPECT_EQ(parse_number("0xff", 16), 255u);
  EXPECT_EQ(parse_number("0XFF", 16), 255u);
  EXPECT_EQ(parse_number("ffffffffffffffff", 16), ~uint64_t{0});
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1a", "0x1", "18446744073709551616"})
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
  for (const char* text : {"", "0x", "0x0x1", "g", "10000000000000000"})
    EXPECT_EQ(parse_number(text, 16), std::nullopt) << text;
}

}  // namespace
}  // namespace lifeboat
