// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/grubenv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::why;
using testing::ElementsAre;
using testing::FieldsAre;
using testing::IsEmpty;

// As grub2-editenv writes it.
std::string block(std::string_view lines, size_t size = 1024) {
  std::string text = "# GRUB Environment Block\n" + std::string(lines);
  text.append(size - std::min(size, text.size()), '#');
  return text;
}

TEST(GrubEnvironment, IsReadAndWrittenInItsSize) {
  const std::string text = block("a=1\nkernelopts=root=x\\\\y ro\nboot_success=0\n");
  const auto variables = grub_variables(text);
  ASSERT_EQ(variables.size(), 3U);
  EXPECT_EQ(variables[1].name, "kernelopts");
  EXPECT_EQ(variables[1].value, "root=x\\y ro");
  const auto edited = with_grub_variable("f", text, "kernelopts", "root=x\\y ro crashkernel=1G");
  ASSERT_TRUE(edited) << why(edited);
  EXPECT_EQ(*edited, block("a=1\nkernelopts=root=x\\\\y ro crashkernel=1G\nboot_success=0\n"));
  EXPECT_EQ(edited->size(), 1024U);
}

TEST(GrubEnvironment, AShortBlockIsFilledUp) {
  EXPECT_EQ(with_grub_variable("f", "# GRUB Environment Block\na=1\n####", "a", "2").value(), block("a=2\n"));
}

TEST(GrubEnvironment, WhatDoesNotFitIsRefused) {
  EXPECT_EQ(code_of(with_grub_variable("f", block("a=1\n"), "a", std::string(1024, 'x'))),
            ErrorCode::no_space);
  EXPECT_EQ(code_of(with_grub_variable("f", block("a=1\n"), "b", "x")), ErrorCode::not_found);
}

TEST(GrubEnvironment, WhatIsNoBlockIsRefused) {
  for (const char* text :
       {"", "a=1\n", "# GRUB Environment Block\na=1", "# GRUB Environment Block\na=1\n##x"})
    EXPECT_EQ(code_of(with_grub_variable("f", text, "a", "2")), ErrorCode::corrupt) << text;
  EXPECT_THAT(grub_variables("a=1\n"), IsEmpty());
  EXPECT_THAT(grub_variables("# GRUB Environment Block\n=x\n#a=1\nb\n\\"), IsEmpty());
}

TEST(GrubEnvironment, AsGrubReadsIt) {
  EXPECT_THAT(
      grub_variables(block("saved_entry=Advanced>Debian, with Linux\nquoted=\"x\"\n"
                           "escaped=a\\\\b\\\nc\nno equals\nnext=1\n#comment\\\nshown=1\nempty=\n"
                           "control=\x01\n####unfinished=1")),
      ElementsAre(FieldsAre("saved_entry", "Advanced>Debian, with Linux"), FieldsAre("quoted", "\"x\""),
                  FieldsAre("next", "1"), FieldsAre("shown", "1"), FieldsAre("empty", "")))
      << "a newline in a value is a control character";
  EXPECT_THAT(grub_variables("# GRUB Environment Block\na=not ended"), IsEmpty());
  EXPECT_TRUE(is_environment_block(block("")));
  EXPECT_FALSE(is_environment_block("a=1\n"));
}

}  // namespace
}  // namespace lifeboat
