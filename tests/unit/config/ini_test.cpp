// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/config/ini.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lifeboat::config {
namespace {

using testing::HasSubstr;

TEST(Ini, KeepsSectionsInOrderWithTheirLines) {
  const auto sections =
      parse_ini("# a comment\n[target]\npath = /a b \n\n; another\n[target]\n  path=/c=d\n[dump]", "f");
  ASSERT_TRUE(sections) << sections.error().to_string();
  ASSERT_EQ(sections->size(), 3U);
  EXPECT_EQ((*sections)[0].line, 2U);
  ASSERT_EQ((*sections)[0].entries.size(), 1U);
  EXPECT_EQ((*sections)[0].entries[0].value, "/a b");
  EXPECT_EQ((*sections)[0].entries[0].line, 3U);
  EXPECT_EQ((*sections)[1].entries[0].value, "/c=d");
  EXPECT_EQ((*sections)[1].entries[0].line, 7U);
  EXPECT_EQ((*sections)[2].name, "dump");
  EXPECT_TRUE((*sections)[2].entries.empty());
}

TEST(Ini, TakesCarriageReturnsForWhiteSpace) {
  const auto sections = parse_ini("[a]\r\nb = c\r\n", "f");
  ASSERT_TRUE(sections);
  EXPECT_EQ((*sections)[0].entries[0].value, "c");
}

struct Bad {
  const char* text;
  const char* message;
};
void PrintTo(const Bad& bad, std::ostream* out) {
  *out << '"' << bad.text << '"';
}
class IniRejects : public testing::TestWithParam<Bad> {};

TEST_P(IniRejects, WithFileAndLine) {
  const auto sections = parse_ini(GetParam().text, "/etc/f");
  ASSERT_FALSE(sections);
  EXPECT_EQ(sections.error().code, ErrorCode::usage);
  EXPECT_THAT(sections.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(Lines, IniRejects,
                         testing::Values(Bad{"a = b", "/etc/f:1: 'a' is in no section"},
                                         Bad{"\n[dump", "/etc/f:2: '[dump' lacks its closing bracket"},
                                         Bad{"[ ]", "/etc/f:1: the section has no name"},
                                         Bad{"[a]\nword", "/etc/f:2: 'word' has no '='"},
                                         Bad{"[a]\n= b", "/etc/f:2: the value has no key"},
                                         Bad{"[a]\nb = c\x1b[2J",
                                             "/etc/f:2: the line has a control character"}));

}  // namespace
}  // namespace lifeboat::config
