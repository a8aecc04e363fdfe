// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/text.h"

#include <gtest/gtest.h>

namespace lifeboat {
namespace {

TEST(Text, ForATerminalCommandsNothing) {
  EXPECT_EQ(one_line("plain, Gr\u00fc\u00dfe"), "plain, Gr\u00fc\u00dfe");
  EXPECT_EQ(one_line("\033]0;title\a\033[2J"), "\\x1b]0;title\\x07\\x1b[2J");
  EXPECT_EQ(one_line("a\nwarning: b\rc\td\v\f"), "a\\x0awarning: b\\x0dc d\\x0b\\x0c");
  EXPECT_EQ(terminal_text("a\tb\rc"), "a\tb\\x0dc");
  EXPECT_EQ(one_line("\xc2\x9b"
                     "2J\x9b"),
            "\\xc2\\x9b2J\\x9b")
      << "C1, in UTF-8 and as it is";
}

// "Trojan source": text that is not shown in the order in which it stands.
TEST(Text, ForATerminalKeepsItsOrder) {
  for (const std::string_view control :
       {"\u061c", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e",
        "\u2066", "\u2067", "\u2068", "\u2069"}) {
    const std::string line = one_line(control);
    EXPECT_EQ(line.size(), 4 * control.size()) << line;
    EXPECT_TRUE(line.starts_with("\\x")) << line;
  }
  // Their neighbours, and letters that are written from right to left, are text.
  for (const std::string_view text : {"\u2010", "\u2027", "\u202f", "\u2065", "\u206a", "\u05d0\u05d1"})
    EXPECT_EQ(one_line(text), text);
}

TEST(Text, OfALogIsWhatDmesgMakesOfIt) {
  EXPECT_EQ(escape_text("a\tb\vc\fd\re\n\u202e"), "a\tb\vc\fd\re\\x0a\u202e");
  EXPECT_EQ(escape_text("\u009b\x9b\x7f"), "\\xc2\\x9b\\x9b\\x7f");
}

TEST(Text, OfAJsonDocumentStaysTheSame) {
  EXPECT_EQ(terminal_json("{\n  \"a\": \"\u00fc\u009b\u202e\x7f\\r\"\n}"),
            "{\n  \"a\": \"\u00fc\\u009b\\u202e\\u007f\\r\"\n}");
}

TEST(Text, OfSeveralLinesKeepsThem) {
  EXPECT_EQ(plain_lines("one\r\ntwo\rthree\r\n"), "one\ntwo\\x0dthree\n")
      << "of a program that ends lines so";
  EXPECT_EQ(plain_lines("one\n  fix: \033two\n"), "one\n  fix: \\x1btwo\n");
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
