// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/arm64/arm64_image.h"

#include <gtest/gtest.h>

#include "tests/support/results.h"
#include "tests/support/zboot_builder.h"

namespace lifeboat {
namespace {

using test::Arm64Fields;
using test::build_arm64_image;

Arm64Image parse(const Arm64Fields& fields = {}) {
  return Arm64Image::parse(build_arm64_image(fields), "Image").value();
}

TEST(Arm64Image, EveryFieldOfAValidOne) {
  const auto image = parse({.text_offset = 0x80000});
  EXPECT_EQ(image.text_offset, 0x80000u);
  EXPECT_EQ(image.image_size, 0x200000u);
  EXPECT_EQ(image.page_size, 4096u);
  EXPECT_FALSE(image.big_endian);
  EXPECT_TRUE(image.anywhere);
  EXPECT_EQ(image.release, "6.12.1-arm64");
  EXPECT_EQ(image.description(),
            "an arm64 kernel (Image) 6.12.1-arm64, 4 KiB pages, little-endian, 2.0 MiB in memory");
}

TEST(Arm64Image, EachFlagIsItsOwn) {
  EXPECT_EQ(parse({.flags = 0b000}).page_size, 0u);
  EXPECT_EQ(parse({.flags = 0b100}).page_size, 16u << 10);
  EXPECT_EQ(parse({.flags = 0b110}).page_size, 64u << 10);
  EXPECT_TRUE(parse({.flags = 0b0001}).big_endian);
  EXPECT_FALSE(parse({.flags = 0b0111}).anywhere);
  EXPECT_EQ(parse({.image_size = 0, .flags = 1, .banner = ""}).description(),
            "an arm64 kernel (Image), big-endian");
}

TEST(Arm64Image, OthersAreRefused) {
  const auto whole = build_arm64_image();
  EXPECT_EQ(test::code_of(Arm64Image::parse(ByteSpan(whole).first(59), "Image")), ErrorCode::unsupported);
  EXPECT_EQ(test::code_of(Arm64Image::parse(ByteSpan(whole).first(63), "Image")), ErrorCode::truncated);
  EXPECT_EQ(test::code_of(Arm64Image::parse({}, "Image")), ErrorCode::unsupported);
}

}  // namespace
}  // namespace lifeboat
