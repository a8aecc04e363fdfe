// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
constexpr std::array<std::byte, 8> kEight{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                                          std::byte{5}, std::byte{6}, std::byte{7}, std::byte{8}};

struct SliceCase {
  uint64_t offset, length;
  bool fits;
};
class Slice : public testing::TestWithParam<SliceCase> {};

TEST_P(Slice, FitsOrIsTruncated) {
  const auto& [offset, length, fits] = GetParam();
  const auto part = slice(kEight, offset, length, "thing");
  if (!fits) {
    EXPECT_EQ(code_of(part), ErrorCode::truncated);
    return;
  }
  ASSERT_TRUE(part);
  EXPECT_EQ(part->size(), length);
  EXPECT_EQ(part->data(), kEight.data() + offset);
}

INSTANTIATE_TEST_SUITE_P(Borders, Slice,
                         testing::Values(SliceCase{0, 0, true}, SliceCase{0, 8, true}, SliceCase{8, 0, true},
                                         SliceCase{7, 1, true}, SliceCase{0, 9, false},
                                         SliceCase{7, 2, false}, SliceCase{8, 1, false},
                                         SliceCase{9, 0, false},
                                         // offset + length wraps to something small
                                         SliceCase{kMax, 2, false}, SliceCase{2, kMax, false},
                                         SliceCase{kMax, kMax, false}, SliceCase{kMax - 7, 8, false}));

TEST(Load, ReadsBothByteOrders) {
  EXPECT_EQ(load<uint32_t>(kEight, 0, "x").value(), 0x04030201u);
  EXPECT_EQ(load_be<uint32_t>(kEight, 0, "x").value(), 0x01020304u);
  EXPECT_EQ(load<uint16_t>(kEight, 5, "unaligned").value(), 0x0706);
  EXPECT_EQ(load_be<int64_t>(kEight, 0, "x").value(), 0x0102030405060708);
  EXPECT_EQ(code_of(load<uint32_t>(kEight, 5, "x")), ErrorCode::truncated);
  EXPECT_EQ(code_of(load_be<uint64_t>(kEight, 1, "x")), ErrorCode::truncated);
  EXPECT_EQ(code_of(load<uint8_t>(kEight, kMax, "x")), ErrorCode::truncated);
}

TEST(Text, EndsAtTheFirstNulOrTheEnd) {
  EXPECT_EQ(text_until_nul(as_byte_span(std::string_view("ab\0cd", 5))), "ab");
  EXPECT_EQ(text_until_nul(as_byte_span("abcd")), "abcd");
  EXPECT_EQ(text_until_nul({}), "");
  EXPECT_EQ(as_text(as_byte_span("round trip")), "round trip");
}

TEST(Rounding, IsExactAtItsBorders) {
  EXPECT_EQ(align_down(4097, 4096), 4096u);
  EXPECT_EQ(align_up(4096, 4096), 4096u);
  EXPECT_EQ(align_up(4097, 4096), 8192u);
  EXPECT_EQ(align_up(0, 4), 0u);
  EXPECT_EQ(divide_up(0, 8), 0u);
  EXPECT_EQ(divide_up(8, 8), 1u);
  EXPECT_EQ(divide_up(9, 8), 2u);
  EXPECT_EQ(divide_up(kMax, 8), kMax / 8 + 1) << "must not wrap";
}

}  // namespace
}  // namespace lifeboat
