// SPDX-License-Identifier: GPL-2.0-or-later
// GRUB's language without a menu: words, blocks, variables, conditions, names of entries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/entries/grub_bls.h"
#include "loader/entries/grub_default.h"
#include "loader/entries/grub_environment.h"
#include "loader/entries/grub_script.h"
#include "loader/entries/grub_test.h"
#include "tests/support/results.h"

namespace lifeboat::grub {
namespace {

using test::code_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// The words of the first command, its variables replaced.
std::vector<std::string> words_of(const std::string& text, const Environment& environment = {}) {
  const auto script = parse_script(text, "test");
  if (!script) return {"ERROR " + script.error().message};
  Budget budget(1 << 20);
  return expand((*script)->at(0).words, environment, budget).value().words;
}

Environment environment() {
  Environment variables;
  EXPECT_TRUE(variables.set("x", "one"));
  EXPECT_TRUE(variables.set("two", " a  b "));
  EXPECT_TRUE(variables.set("empty", ""));
  variables.parameters = {"first", "the second"};
  return variables;
}

TEST(GrubWords, QuotesAndEscapes) {
  EXPECT_THAT(words_of("a  b\tc"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(words_of("a'b c'\"d e\"f"), ElementsAre("ab cd ef"));
  EXPECT_THAT(words_of("a '' \"\" b"), ElementsAre("a", "", "", "b"));
  EXPECT_THAT(words_of(R"(a\ b \"c \' \$x \\)"), ElementsAre("a b", "\"c", "'", "$x", "\\"));
  EXPECT_THAT(words_of(R"("a\"b\$c\\d\n")"), ElementsAre("a\"b$c\\d\\n"));
  EXPECT_THAT(words_of(R"('a\b$c"')"), ElementsAre("a\\b$c\""));
  EXPECT_THAT(words_of("a\\\nb c\\\n d"), ElementsAre("ab", "c", "d"));
  EXPECT_THAT(words_of("a 'b\nc'"), ElementsAre("a", "b\nc"));
  EXPECT_THAT(words_of("$\"text\""), ElementsAre("text"));
  EXPECT_THAT(words_of("a#b # c"), ElementsAre("a#b"));
  EXPECT_THAT(words_of(R"(a\x20b)"), ElementsAre(R"(a\x20b)"));
  EXPECT_THAT(words_of("echo if then"), ElementsAre("echo", "if", "then")) << "keywords only begin a command";
}

TEST(GrubWords, VariablesAreSplitUnlessQuoted) {
  const Environment variables = environment();
  EXPECT_THAT(words_of("$x ${x}y x$x$x", variables), ElementsAre("one", "oney", "xoneone"));
  EXPECT_THAT(words_of("p$two", variables), ElementsAre("pa", "b"));
  EXPECT_THAT(words_of("\"p${two}q\"", variables), ElementsAre("p a  b q"));
  EXPECT_THAT(words_of("'$x'", variables), ElementsAre("$x"));
  // Nothing stands in the place of one that is not set; quotes make it a word.
  EXPECT_THAT(words_of("a $none ${empty} \"$none\" b", variables), ElementsAre("a", "", "b"));
  EXPECT_THAT(words_of("$1 $2 $3 $#", variables), ElementsAre("first", "the", "second", "2"));
  EXPECT_THAT(words_of("\"$@\"", variables), ElementsAre("first", "the second"));
  EXPECT_THAT(words_of("\"$*\"", variables), ElementsAre("first the second"));
  EXPECT_THAT(words_of("$*", variables), ElementsAre("first", "the", "second"));
}

TEST(GrubWords, ThoseThatAreNotSetAreNamed) {
  const auto script = parse_script("linux /k $a root=$b $x", "test").value();
  Budget budget(1000);
  EXPECT_THAT(expand(script->at(0).words, environment(), budget)->unset, ElementsAre("a", "b"));
}

TEST(GrubWords, AWildcardOfAPathIsUnknown) {
  EXPECT_FALSE(is_known(words_of("/boot/vmlinuz-*").at(0)));
  EXPECT_TRUE(is_known(words_of("'/boot/vmlinuz-*'").at(0)));
  EXPECT_TRUE(is_known(words_of("a*").at(0)));
}

TEST(GrubScript, Blocks) {
  const auto script = parse_script(
      "# comment\n"
      "if a; then b\nelif c\nthen\n d; e\nelse f; fi\n"
      "for i in x 'y z'; do g $i; done\n"
      "while h; do i; done; until j\ndo k\ndone\n"
      "function f {\n l\n}\n"
      "menuentry 'm' --id n {\n o\n submenu p { q }\n}\n",
      "test");
  ASSERT_TRUE(script) << script.error().message;
  ASSERT_THAT(**script, SizeIs(6));
  EXPECT_THAT((*script)->at(0).branches, SizeIs(3));
  EXPECT_EQ((*script)->at(0).branches.back().condition, nullptr);
  EXPECT_EQ((*script)->at(1).name, "i");
  EXPECT_THAT((*script)->at(1).words, SizeIs(2));
  EXPECT_FALSE((*script)->at(2).until);
  EXPECT_TRUE((*script)->at(3).until);
  EXPECT_EQ((*script)->at(4).kind, Command::Kind::function);
  EXPECT_EQ((*script)->at(5).line, 14u);
  EXPECT_THAT(*(*script)->at(5).block, SizeIs(2));
}

TEST(GrubScript, WhatGrubDoesNotAcceptIsAnErrorWithItsLine) {
  for (const char* text : {"a\nb 'c",
                           "a\nb \"c",
                           "a\nif b; then c",
                           "a\nif b; fi",
                           "a\nfi",
                           "a\nb {",
                           "a\n}",
                           "a\nb { }",
                           "a\nif b; then fi",
                           "a\nb | c",
                           "a\nb & c",
                           "a\necho $",
                           "a\necho ${x",
                           "a\necho ${x y}",
                           "a\nfor x; do y; done",
                           "a\nfunction {\nx\n}",
                           "a\nfunction f x",
                           "a\n[[ a ]]",
                           "a\nwhile x; do y",
                           "a\nb { c } d",
                           "a\nb > c",
                           "a\n\x01"}) {
    const auto script = parse_script(text, "grub.cfg");
    ASSERT_FALSE(script) << text;
    EXPECT_EQ(script.error().code, ErrorCode::corrupt) << text;
    EXPECT_THAT(script.error().message, HasSubstr("grub.cfg:2")) << text;
  }
  EXPECT_EQ(code_of(parse_script(std::string_view("a\0b", 3), "x")), ErrorCode::corrupt);
}

TEST(GrubScript, SizeAndDepthAreLimited) {
  EXPECT_EQ(code_of(parse_script(std::string(kLargestScript + 1, '\n'), "x")), ErrorCode::unsupported);
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "if a; then ";
  EXPECT_EQ(code_of(parse_script(deep, "x")), ErrorCode::corrupt);
  deep.clear();
  for (int i = 0; i < 100000; ++i) deep += "a {\n";
  EXPECT_EQ(code_of(parse_script(deep, "x")), ErrorCode::corrupt);
}

TEST(GrubScript, CarriageReturnsDoNotCount) {
  EXPECT_THAT(words_of("a b\r\nc\r\n"), ElementsAre("a", "b"));
}

TEST(GrubEnvironment, OnlyExportedVariablesEnterAContext) {
  Environment variables = environment();
  variables.export_name("x");
  variables.open_context();
  EXPECT_EQ(variables.get("x"), "one");
  EXPECT_EQ(variables.find("two"), nullptr);
  EXPECT_TRUE(variables.set("two", "inner"));
  variables.close_context();
  EXPECT_EQ(variables.get("two"), " a  b ");
  variables.close_context();
  EXPECT_EQ(code_of(variables.set("x", std::string(1 << 20, 'x'))), ErrorCode::unsupported);
}

Truth test_of(std::vector<std::string> arguments) {
  return evaluate_test(std::move(arguments), [](char test, const std::string& path) {
    if (path == "/unknown") return Truth::unknown;
    return truth_of(path == "/file" && test != 'd');
  });
}

TEST(GrubTest, Operations) {
  const auto is = [](std::vector<std::string> arguments) {
    return test_of(std::move(arguments)) == Truth::yes;
  };
  EXPECT_TRUE(is({"a", "=", "a", "]"}));
  EXPECT_TRUE(is({"a", "==", "a"}));
  EXPECT_FALSE(is({"a", "!=", "a"}));
  EXPECT_TRUE(is({"a", "<", "b"}));
  EXPECT_TRUE(is({"b", ">=", "b"}));
  EXPECT_TRUE(is({"-z", ""}));
  EXPECT_FALSE(is({"-n", ""}));
  EXPECT_TRUE(is({"text"}));
  EXPECT_FALSE(is({""}));
  EXPECT_FALSE(!is({})) << "no argument at all is true for GRUB";
  EXPECT_TRUE(is({"2", "-lt", "10"}));
  EXPECT_TRUE(is({"-1", "-lt", "0"}));
  EXPECT_TRUE(is({"0x10", "-eq", "16"}));
  EXPECT_TRUE(is({"vmlinuz-2", "-plt", "vmlinuz-11"}));
  EXPECT_TRUE(is({"-f", "/file"}));
  EXPECT_FALSE(is({"-d", "/file"}));
  EXPECT_FALSE(is({"-s", "/none"}));
  EXPECT_TRUE(is({"!", "-e", "/none"}));
  EXPECT_TRUE(is({"a", "=", "b", "-o", "c", "=", "c"}));
  EXPECT_FALSE(is({"a", "=", "a", "-a", "b", "=", "c"}));
  EXPECT_FALSE(is({"a", "=", "a", "b", "=", "c"})) << "-a may be left out";
  EXPECT_TRUE(is({"(", "a", "=", "b", "-o", "x", ")", "-a", "y"}));
  EXPECT_FALSE(is({"!", "(", "a", "-o", "b", ")"}));
}

TEST(GrubTest, WhatIsUnknownDecidesNothing) {
  const std::string unknown = unknown_value("x");
  EXPECT_EQ(test_of({unknown, "=", "a"}), Truth::unknown);
  EXPECT_EQ(test_of({unknown, "=", unknown}), Truth::yes);
  EXPECT_EQ(test_of({"!", "-z", unknown}), Truth::unknown);
  EXPECT_EQ(test_of({unknown}), Truth::unknown);
  EXPECT_EQ(test_of({"-e", "/unknown"}), Truth::unknown);
  EXPECT_EQ(test_of({"/a", "-nt", "/b"}), Truth::unknown);
  EXPECT_EQ(test_of({"-e", "/unknown", "-a", "a", "=", "b"}), Truth::no);
  EXPECT_EQ(test_of({"-e", "/unknown", "-o", "a"}), Truth::yes);
  std::vector<std::string> deep(1000, "(");
  EXPECT_EQ(test_of(deep), Truth::unknown);
}

TEST(GrubDefault, ByNumberTitleAndId) {
  const std::vector<EntryName> menu = {
      {"Debian", "gnulinux-simple"}, {"Advanced > x", "adv"}, {"6.1 old", "6.1-id"}};
  const auto index = [&](std::string_view value, DefaultRule rule) {
    const auto found = find_default(menu, value, rule);
    return found.ambiguous ? -2 : found.index ? static_cast<int>(*found.index) : -1;
  };
  const auto gnu = [&](std::string_view value) { return index(value, DefaultRule::number_first); };
  const auto fedora = [&](std::string_view value) { return index(value, DefaultRule::name_first); };
  for (const auto& by :
       {std::function<int(std::string_view)>(gnu), std::function<int(std::string_view)>(fedora)}) {
    EXPECT_EQ(by("1"), 1);
    EXPECT_EQ(by("0x2"), 2);
    EXPECT_EQ(by("3"), -1);
    EXPECT_EQ(by("99999999999999999999"), -1);
    EXPECT_EQ(by("Debian"), 0);
    EXPECT_EQ(by("adv"), 1);
    EXPECT_EQ(by("adv>0"), 1);
    EXPECT_EQ(by("Advanced >> x"), 1);
    EXPECT_EQ(by("Advanced >> x>6.1"), 1);
    EXPECT_EQ(by("none"), -1);
    EXPECT_EQ(by("debian"), -1);
    EXPECT_EQ(by(""), -1);
  }
  // GNU GRUB reads a number wherever there is a digit, and Fedora's only a whole one.
  EXPECT_EQ(gnu("1>0"), 1);
  EXPECT_EQ(fedora("1>0"), -1);
  EXPECT_EQ(gnu("1 and more"), 1);
  EXPECT_EQ(fedora("6.1-id"), 2);
  EXPECT_EQ(fedora("6.1 old"), 2);
  EXPECT_EQ(gnu("6.1-id"), -2);
  EXPECT_EQ(fedora("adv and more"), -1);
}

TEST(GrubDefault, WhatFollowsIsForTheSubmenu) {
  EXPECT_EQ(rest_of_default("a>b>c"), "b>c");
  EXPECT_EQ(rest_of_default("a>>b>c"), "c");
  EXPECT_EQ(rest_of_default("a>"), std::nullopt);
  EXPECT_EQ(rest_of_default("a"), std::nullopt);
}

TEST(GrubBlsOrder, TheNewestKernelIsAbove) {
  const std::vector<std::string> ordered = {"0123-6.12.10-200.fc41.x86_64",
                                            "0123-6.12.9-200.fc41.x86_64",
                                            "0123-6.12.0+1-1",
                                            "0123-6.12.0-1",
                                            "0123-6.12.0~rc1-1",
                                            "0123-6.9-1",
                                            "0123-0-rescue"};
  for (size_t i = 0; i < ordered.size(); ++i) {
    for (size_t j = 0; j < ordered.size(); ++j)
      EXPECT_EQ(is_above(ordered[i], ordered[j]), i < j) << ordered[i] << " and " << ordered[j];
  }
  EXPECT_TRUE(is_above("b", "a"));
  EXPECT_FALSE(is_above("", ""));
}

}  // namespace
}  // namespace lifeboat::grub
