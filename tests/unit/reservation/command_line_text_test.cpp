// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/command_line_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/results.h"

namespace lifeboat::reservation {
namespace {

using test::code_of;
using testing::ElementsAre;
using testing::IsEmpty;
using Form = CommandLineForm;

std::vector<std::string> found(Form form, std::string_view text, std::string_view name = "") {
  std::vector<std::string> lines;
  const auto spans = find_command_lines(form, text, name, "file");
  for (const auto& span : spans.value_or(std::vector<TextSpan>())) {
    EXPECT_LE(span.begin, span.end);
    EXPECT_LE(span.end, text.size());
    lines.emplace_back(text.substr(span.begin, span.end - span.begin));
  }
  return lines;
}

TEST(CommandLineText, ShellVariables) {
  const auto in = [](std::string_view text) { return found(Form::shell_variable, text, "OPTS"); };
  EXPECT_THAT(in("OPTS=\"ro quiet\"\n"), ElementsAre("ro quiet"));
  EXPECT_THAT(in("  export OPTS='ro'  # it's\n"), ElementsAre("ro"));
  EXPECT_THAT(in("OPTS=quiet\n"), ElementsAre("quiet"));
  EXPECT_THAT(in("OPTS=\n"), ElementsAre(""));
  EXPECT_THAT(in("OPTS"), IsEmpty());
  EXPECT_THAT(in("OPTS =x\nMYOPTS=x\nOPTSX=x\n#OPTS=x\n# OPTS=\"x\"\n"), IsEmpty());
  EXPECT_THAT(in("OPTS=\"a\"\nOPTS+=\" b\"\n"), ElementsAre("a", " b"));
  EXPECT_THAT(in("OPTS=\"$(cat \"/etc/kernel/cmdline\")\"\n"), ElementsAre("$(cat \"/etc/kernel/cmdline\")"));
  EXPECT_THAT(in("OPTS=\"a \\\" b\"\r\n"), ElementsAre("a \\\" b"));
  EXPECT_THAT(found(Form::shell_variable, "K[default]=\"x\"\n", "K[default]"), ElementsAre("x"));
}

TEST(CommandLineText, AQuotedTextThatGoesOnInTheNextLineIsAnError) {
  for (const char* text : {"OPTS=\"a\nb\"\n", "OPTS='", "OPTS=\"$(x\"\n", "OPTS=\"\\"})
    EXPECT_EQ(code_of(find_command_lines(Form::shell_variable, text, "OPTS", "f")), ErrorCode::corrupt)
        << text;
}

TEST(CommandLineText, Zipl) {
  EXPECT_THAT(found(Form::zipl, "[a]\nparameters=\"root=/dev/dasda1 ro\"\n[b]\n\tparameters = root=x ro \n"),
              ElementsAre("root=/dev/dasda1 ro", "root=x ro"));
}

TEST(CommandLineText, LabelsOfExtlinuxThatBootLinux) {
  EXPECT_THAT(found(Form::extlinux,
                    "append all\nDEFAULT l\nLABEL l\n  LINUX /vmlinuz\n  APPEND root=a ro\n"
                    "label m\n kernel memtest.bin\n append x\nlabel c\n COM32 a.c32\n"
                    "label k\n append root=b\n kernel ../vmlinuz\n"),
              ElementsAre("all", "root=a ro", "root=b"));
  EXPECT_THAT(found(Form::extlinux, "label a\nkernel menu.c32\nappend x\n"), IsEmpty());
  EXPECT_THAT(found(Form::extlinux, "label a\nlinux /v\nappend"), IsEmpty());
}

TEST(CommandLineText, Refind) {
  EXPECT_THAT(
      found(Form::refind,
            "\"Boot\" \"root=a ro\"\n# \"x\" \"y\"\n\"Single\"  \"root=a single\"\n\"half\"\n\"a\" \"b"),
      ElementsAre("root=a ro", "root=a single"));
}

TEST(CommandLineText, Limine) {
  EXPECT_THAT(
      found(Form::limine, "/Arch\n    protocol: linux\n    cmdline: root=a ro \n  KERNEL_CMDLINE=root=b\n"),
      ElementsAre("root=a ro", "root=b"));
}

TEST(CommandLineText, WholeFiles) {
  EXPECT_THAT(found(Form::whole_file, "ro quiet\n# mine\n"), ElementsAre("ro quiet\n"));
  EXPECT_THAT(found(Form::whole_file, ""), ElementsAre(""));
  EXPECT_THAT(found(Form::whole_file, "a\nb"), ElementsAre("a\nb"));
}

TEST(CommandLineText, KeysOfEntries) {
  EXPECT_THAT(found(Form::options_lines, "linux /v\n\toptions\tro\noptionsx y\noptions\n", "options"),
              ElementsAre("ro"));
  EXPECT_EQ(value_of_key("options", "options"), std::string_view::npos);
  EXPECT_EQ(value_of_key("", "options"), std::string_view::npos);
}

}  // namespace
}  // namespace lifeboat::reservation
