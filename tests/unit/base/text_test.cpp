// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text.h"

#include <gtest/gtest.h>

namespace lifeboat {
namespace {

TEST(Text, ForATerminalCommandsNothing) {
  EXPECT_EQ(one_line("plain, Gr\u00fc\u00dfe"), "plain, Gr\u00fc\u00dfe");
  EXPECT_EQ(one_line("\033]0;title\a\033[2J"), "\\x1b]0;title\\x07\\x1b[2J");
  EXPECT_EQ(one_line("a\nwarning: b\rc\td"), "a\\x0awarning: b c d");
  EXPECT_EQ(one_line("\xc2\x9b"
                     "2J\x9b"),
            "\\xc2\\x9b2J\\x9b")
      << "C1, in UTF-8 and as it is";
}

TEST(Text, OfSeveralLinesKeepsThem) {
  EXPECT_EQ(plain_lines("one\n  next: \033two\n"), "one\n  next: \\x1btwo\n");
  EXPECT_EQ(plain_lines("one"), "one");
  EXPECT_EQ(plain_lines(""), "");
}

TEST(Text, IsQuotedForAShellWhereItHasToBe) {
  EXPECT_EQ(shell_word("/var/crash/lifeboat/20261123T084228Z-1b4e28ba/vmcore"),
            "/var/crash/lifeboat/20261123T084228Z-1b4e28ba/vmcore");
  EXPECT_EQ(shell_word("UUID=0a1b-2c3d"), "UUID=0a1b-2c3d");
  EXPECT_EQ(shell_word("/srv/my dumps"), "'/srv/my dumps'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word("$(reboot);`x`*~"), "'$(reboot);`x`*~'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace lifeboat
