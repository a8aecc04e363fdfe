// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/key_value.h"

#include <gtest/gtest.h>

#include "tests/support/results.h"

namespace lifeboat {
namespace {

TEST(KeyValue, skips_comments_and_counts_lines) {
  const auto values = parse_key_values("# first\n\n a = b = c \nempty =\n");
  ASSERT_TRUE(values);
  ASSERT_EQ(values->size(), 2U);
  EXPECT_EQ(values->at(0).line, 3U);
  EXPECT_EQ(values->at(0).key, "a");
  EXPECT_EQ(values->at(0).value, "b = c");
  EXPECT_EQ(values->at(1).key, "empty");
  EXPECT_EQ(values->at(1).value, "");
}

TEST(KeyValue, names_the_line_without_a_value) {
  const auto values = parse_key_values("a = b\nc\n");
  EXPECT_EQ(test::code_of(values), ErrorCode::usage);
  EXPECT_NE(values.error().to_string().find("line 2"), std::string::npos);
}

}  // namespace
}  // namespace lifeboat
