// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/image/initramfs_join.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/results.h"

namespace lifeboat {
namespace {

using namespace std::literals;
using testing::AllOf;
using testing::HasSubstr;

std::string join(std::initializer_list<std::string_view> parts) {
  std::vector<InitramfsPart> list;
  for (const auto& part : parts) list.push_back({fmt::format("part {}", list.size()), as_byte_span(part)});
  const auto joined = join_initramfs(list);
  return joined ? std::string(as_text(*joined)) : joined.error().to_string();
}

TEST(JoinInitramfs, NoneAndOneStayAsTheyAre) {
  EXPECT_EQ(join({}), "");
  EXPECT_EQ(join({"070701 of odd length"}), "070701 of odd length");
}

TEST(JoinInitramfs, EachBeginsAtAMultipleOfFour) {
  EXPECT_EQ(join({"0707011", "070701"}),
            "0707011\0"
            "070701"s);
  EXPECT_EQ(join({"07070112", "070701"}), "07070112070701");
  EXPECT_EQ(join({"\x1f\x8b\x08..", "070701", "\x28\xb5\x2f\xfd"}),
            "\x1f\x8b\x08..\0\0\0"
            "070701\0\0\x28\xb5\x2f\xfd"s);
}

TEST(JoinInitramfs, LegacyLz4GetsAnEnd) {
  EXPECT_EQ(join({"\x02\x21\x4c\x18", "070701"}),
            "\x02\x21\x4c\x18\0\0\0\0"
            "070701"s);
  EXPECT_EQ(join({"\x02\x21\x4c\x18.", "070701"}),
            "\x02\x21\x4c\x18.\0\0\0\0\0\0\0"
            "070701"s);
  EXPECT_EQ(join({"\x02\x21\x4c\x18."}), "\x02\x21\x4c\x18.");
}

TEST(JoinInitramfs, WhatIsNoneIsNamed) {
  EXPECT_THAT(join({"070701", "MZ"}),
              AllOf(HasSubstr("part 1 is not an initramfs"), HasSubstr("lifeboat build")));
  EXPECT_THAT(join({""}), HasSubstr("an empty file"));
  // What the kernel cannot decompress.
  EXPECT_THAT(join({"\x04\x22\x4d\x18"}), HasSubstr("cannot decompress"));
}

}  // namespace
}  // namespace lifeboat
