// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/migration/shell_assignments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>

namespace lifeboat::migration {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::Not;

auto known(unsigned line, const char* name, const char* value) {
  return AllOf(Field(&ShellAssignment::line, line), Field(&ShellAssignment::name, name),
               Field(&ShellAssignment::value, value), Field(&ShellAssignment::problem, IsEmpty()));
}
auto unknown(unsigned line, const char* name) {
  return AllOf(Field(&ShellAssignment::line, line), Field(&ShellAssignment::name, name),
               Field(&ShellAssignment::problem, Not(IsEmpty())));
}

TEST(ShellAssignments, QuotesAreThoseOfTheShell) {
  EXPECT_THAT(
      parse_shell_assignments("A=1\n"
                              "B='a $b `c` \"d\"'\n"
                              "C=\"a 'b' \\\"c\\\" \\$d \\\\ \\e\"\n"
                              "D=a\"b c\"'d e'f\\ g\n"
                              "E=\n"
                              "F=\"\""),
      ElementsAre(known(1, "A", "1"), known(2, "B", "a $b `c` \"d\""), known(3, "C", "a 'b' \"c\" $d \\ \\e"),
                  known(4, "D", "ab cd ef g"), known(5, "E", ""), known(6, "F", "")));
}

TEST(ShellAssignments, CommentsLinesAndContinuations) {
  EXPECT_THAT(parse_shell_assignments(
                  "\xEF\xBB\xBF# A=0\n\n  A=1 # one\n\tB=a#b\r\nC=\"x \\\ny\"\nD=1; E=2\nF=3 G=4\n"
                  "export H=5\nreadonly I=6\nJ='two\nlines'\nK=7"),
              ElementsAre(known(3, "A", "1"), known(4, "B", "a#b"), known(5, "C", "x y"), known(7, "D", "1"),
                          known(7, "E", "2"), known(8, "F", "3"), known(8, "G", "4"), known(9, "H", "5"),
                          known(10, "I", "6"), known(11, "J", "two\nlines"), known(13, "K", "7")));
}

TEST(ShellAssignments, WhatOnlyAShellKnowsIsReported) {
  for (const char* text :
       {"A=$B", "A=\"${B}\"", "A=$(hostname)", "A=\"`hostname`\"", "A=~/crash", "A=$'x'", "A+=more",
        "A='open", "A=\"open", "A=x:~/y", "A=`hostname -f`", "A=$(echo \"a b\" (c) )x",
        "A=\"$(echo \"a b\")\"", "A=${B:-a b}", "A=$(open", "A=`open", "A=${open"}) {
    const auto found = parse_shell_assignments(text);
    ASSERT_FALSE(found.empty()) << text;
    EXPECT_THAT(found.front(), unknown(1, "A")) << text;
  }
  // A dollar sign by itself is one.
  EXPECT_THAT(parse_shell_assignments("A=\"5 $ b\"\nB=a$"),
              ElementsAre(known(1, "A", "5 $ b"), known(2, "B", "a$")));
}

TEST(ShellAssignments, CommandsAreNotRun) {
  for (const char* text : {"reboot", "A=1 reboot", ". /etc/x", "A=1 && B=2", "A=1 | cat", "A=1 > /etc/x",
                           "1A=2", "A B=1", "\"A\"=1", "A=(1 2)", "[ -f /x ] && A=1", "=1", "\\", "A =1"}) {
    const auto found = parse_shell_assignments(text);
    ASSERT_FALSE(found.empty()) << text;
    EXPECT_THAT(found.front(), unknown(1, "")) << text;
    EXPECT_FALSE(found.front().value.empty()) << text;
  }
}

TEST(ShellAssignments, NothingIsTakenBehindACondition) {
  for (const char* text :
       {"if true; then\nB=2\nfi", "for i in 1; do\nB=2\ndone", "f() {\nB=2\n}", "exit 0\nB=2",
        "case x in\nB=2\nesac", "cat <<E\nB=2\nE", "(\nB=2\n)", "{\nB=2\n}"}) {
    const auto found = parse_shell_assignments(std::string("A=1\n") + text);
    EXPECT_THAT(found.front(), known(1, "A", "1")) << text;
    for (const auto& assignment : std::span(found).subspan(1))
      EXPECT_FALSE(assignment.problem.empty()) << text;
  }
}

TEST(ShellAssignments, AnEmptyFileHasNone) {
  EXPECT_THAT(parse_shell_assignments(""), IsEmpty());
  EXPECT_THAT(parse_shell_assignments("\n# x\n;;\n"), IsEmpty());
}

}  // namespace
}  // namespace lifeboat::migration
