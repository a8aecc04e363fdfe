// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/spelling.h"

#include <gtest/gtest.h>

#include <array>

namespace lifeboat {
namespace {

TEST(Spelling, CountsSlips) {
  EXPECT_EQ(edit_distance("level", "level"), 0U);
  EXPECT_EQ(edit_distance("level", "levle"), 2U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", "abxc"), 1U);
}

TEST(Spelling, FindsTheNearestAndNoOther) {
  constexpr std::array<std::string_view, 3> kNames = {"level", "compression", "path"};
  EXPECT_EQ(nearest_name("levels", kNames), "level");
  EXPECT_EQ(nearest_name("compresion", kNames), "compression");
  EXPECT_EQ(nearest_name("quux", kNames), "");
  EXPECT_EQ(nearest_name("", kNames), "");
  EXPECT_EQ(suggest_name("levels", kNames), "write 'level'");
  EXPECT_EQ(suggest_name("quux", kNames), "use one of: level, compression, path");
}

}  // namespace
}  // namespace lifeboat
