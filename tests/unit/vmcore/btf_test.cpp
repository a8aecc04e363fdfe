// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/btf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/btf_builder.h"
#include "tests/support/results.h"

namespace lifeboat::test {
namespace {

using Encoding = BtfBuilder::Encoding;
using testing::HasSubstr;

TypeId named(const Btf& btf, std::string_view spelling) {
  const auto id = btf.parse_type_name(spelling);
  EXPECT_TRUE(id) << why(id);
  return id.value_or(0);
}

TEST(Btf, FindsByKindAndName) {
  BtfBuilder builder;
  const TypeId forward = builder.forward("same");
  const TypeId structure = builder.structure("same", 0, {});
  builder.structure("same", 8, {});
  const TypeId other = builder.union_type("same", 4, {});
  const Btf btf = builder.parse();
  EXPECT_EQ(btf.find(TypeKind::forward, "same"), forward);
  EXPECT_EQ(btf.find(TypeKind::structure, "same"), structure) << "the first of two";
  EXPECT_EQ(btf.find(TypeKind::union_type, "same"), other);
  EXPECT_EQ(btf.find(TypeKind::enumeration, "same"), std::nullopt);
  EXPECT_EQ(btf.find(TypeKind::structure, "sam"), std::nullopt);
  EXPECT_EQ(btf.find(TypeKind::structure, ""), std::nullopt);
  EXPECT_EQ(btf.last_id(), other);
}

TEST(Btf, DescribesEachKind) {
  BtfBuilder builder;
  const TypeId int_type = builder.integer("int", 4, Encoding::is_signed);
  const TypeId flag = builder.integer("_Bool", 1, Encoding::boolean);
  const TypeId letter = builder.integer("char", 1, Encoding::is_signed);
  const TypeId pointer = builder.pointer(int_type);
  const TypeId array = builder.array(int_type, 7);
  const TypeId real = builder.floating("double", 8);
  const TypeId prototype = builder.prototype(int_type, {{"a", pointer}});
  const TypeId function = builder.function("f", prototype);
  const TypeId tag = builder.declaration_tag("tag", function);
  const TypeId type_tag = builder.type_tag("user", int_type);
  const Btf btf = builder.parse();
  EXPECT_EQ(btf.type(0).value().kind, TypeKind::void_type);
  EXPECT_TRUE(btf.type(int_type).value().is_signed);
  EXPECT_EQ(btf.type(int_type).value().size, 4u);
  EXPECT_TRUE(btf.type(flag).value().is_bool);
  EXPECT_TRUE(btf.type(letter).value().is_char);
  EXPECT_EQ(btf.type(pointer).value().target, int_type);
  EXPECT_EQ(btf.type(array).value().count, 7u);
  EXPECT_EQ(btf.type(array).value().target, int_type);
  EXPECT_EQ(btf.size_of(array).value(), 28u);
  EXPECT_EQ(btf.size_of(real).value(), 8u);
  EXPECT_EQ(btf.type(prototype).value().count, 1u);
  EXPECT_EQ(btf.type(function).value().target, prototype);
  EXPECT_EQ(btf.type(tag).value().kind, TypeKind::other);
  EXPECT_EQ(btf.strip(type_tag).value(), int_type);
  EXPECT_EQ(code_of(btf.size_of(0)), ErrorCode::usage);
  EXPECT_EQ(code_of(btf.size_of(function)), ErrorCode::usage);
}

TEST(Btf, MembersOfAnonymousMembersAreMembers) {
  const Btf btf = small_kernel_btf().parse();
  const TypeId task = named(btf, "struct task_struct");
  const auto word = btf.member(task, "word").value();
  EXPECT_EQ(word.offset, 40u);
  EXPECT_EQ(btf.name_of(word.type), "long unsigned int");
  EXPECT_EQ(btf.member(task, "tasks.prev").value().offset, 32u);
  EXPECT_EQ(btf.member(task, "ports[3]").value().offset, 72u);
  EXPECT_EQ(btf.members(task).value().size(), 13u);
  const auto high = btf.member(task, "high").value();
  EXPECT_EQ(high.offset, 56u);
  EXPECT_EQ(high.bit_offset, 3u);
  EXPECT_EQ(high.bit_size, 13u);
}

TEST(Btf, ReportsWhatIsNotThere) {
  const Btf btf = small_kernel_btf().parse();
  const TypeId task = named(btf, "struct task_struct");
  const auto missing = btf.member(task, "tasks.nxt");
  EXPECT_EQ(code_of(missing), ErrorCode::not_found);
  EXPECT_THAT(why(missing), HasSubstr("struct list_head has no member 'nxt'"));
  EXPECT_EQ(btf.nearest_member(task, "task"), "tasks");
  EXPECT_EQ(btf.nearest_member(task, "wort"), "word");
  EXPECT_EQ(btf.nearest_member(task, "something_else"), "");
  EXPECT_EQ(code_of(btf.member(task, "parent.pid")), ErrorCode::usage) << "a pointer";
  EXPECT_EQ(code_of(btf.member(task, "pid.x")), ErrorCode::not_found);
  EXPECT_EQ(code_of(btf.member(task, "pid[1]")), ErrorCode::usage);
  for (const auto* path : {"", ".", "tasks.", ".tasks", "ports[", "ports[1", "ports[x]", "ports[-1]",
                           "ports[99999999999]", "tasks..next"})
    EXPECT_EQ(code_of(btf.member(task, path)), ErrorCode::usage) << path;
}

TEST(Btf, EnumsWithTheirSigns) {
  BtfBuilder builder;
  const TypeId plain = builder.enumeration("plain", {{"A", 1}, {"MANY", 0xffffffff}});
  const TypeId negative = builder.enumeration("negative", {{"B", -1}}, true);
  const TypeId wide = builder.enumeration64("wide", {{"C", int64_t{1} << 40}, {"D", -2}});
  const Btf btf = builder.parse();
  EXPECT_EQ(btf.enumerators(plain).value()[1].second, 0xffffffff);
  EXPECT_EQ(btf.enumerators(negative).value()[0].second, -1);
  EXPECT_EQ(btf.enumerators(wide).value()[0].second, int64_t{1} << 40);
  EXPECT_EQ(btf.enumerators(wide).value()[1].second, -2);
  EXPECT_EQ(btf.find(TypeKind::enumeration, "wide"), wide);
}

TEST(Btf, EnumsOfOldKernelsMayBeNegative) {
  BtfBuilder builder;
  const TypeId plain = builder.enumeration("plain", {{"A", 1}, {"B", -1}});
  EXPECT_EQ(builder.parse().enumerators(plain).value()[1].second, -1);
}

TEST(Btf, ReadsTheSpellingsOfC) {
  BtfBuilder builder = small_kernel_btf();
  builder.integer("short int", 2, Encoding::is_signed);
  builder.integer("long long unsigned int", 8);
  builder.integer("unsigned char", 1);
  builder.forward("secret");
  const Btf btf = builder.parse();
  const std::pair<const char*, const char*> spellings[] = {
      {"int", "int"},
      {"unsigned", "unsigned int"},
      {"unsigned long", "long unsigned int"},
      {"long unsigned", "long unsigned int"},
      {"unsigned long int", "long unsigned int"},
      {"unsigned long long", "long long unsigned int"},
      {"short", "short int"},
      {"unsigned char", "unsigned char"},
      {"bool", "_Bool"},
      {"pid_t", "pid_t"},
      {"struct list_head", "struct list_head"},
      {"struct list_head*", "struct list_head *"},
      {" const struct list_head * const * ", "struct list_head **"},
      {"enum state", "enum state"},
      {"task_struct", "struct task_struct"},
      {"void *", "void *"},
      {"void", "void"},
      {"char [16]", "char [16]"},
      {"int[2][3]", "int [2][3]"},
      {"struct secret *", "struct secret *"},
  };
  for (const auto& [text, name] : spellings) EXPECT_EQ(btf.name_of(named(btf, text)), name) << text;
  EXPECT_EQ(btf.size_of(named(btf, "int[2][3]")).value(), 24u);
  EXPECT_EQ(btf.member(named(btf, "struct task_struct"), "comm").value().offset, 8u);
}

TEST(Btf, RefusesWhatIsNoType) {
  const Btf btf = small_kernel_btf().parse();
  for (const auto* text : {"", " ", "*", "struct", "struct *", "int *x", "int [", "int [x]",
                           "int [99999999999]", "int]", "(int)", "pid_t pid_t"})
    EXPECT_EQ(code_of(btf.parse_type_name(text)), ErrorCode::usage) << text;
  for (const auto* text : {"struct nothing", "nothing", "union list_head", "double"})
    EXPECT_EQ(code_of(btf.parse_type_name(text)), ErrorCode::not_found) << text;
}

TEST(Btf, SpellsTypesAsC) {
  BtfBuilder builder;
  const TypeId int_type = builder.integer("int", 4, Encoding::is_signed);
  const TypeId prototype = builder.prototype(int_type, {{"fd", int_type}, {"", 0}});
  const TypeId callback = builder.pointer(prototype);
  const TypeId callbacks = builder.array(callback, 3);
  const TypeId const_int = builder.const_type(int_type);
  const TypeId const_pointer = builder.const_type(builder.pointer(const_int));
  const TypeId to_array = builder.pointer(builder.array(int_type, 5));
  const TypeId tagged = builder.pointer(builder.type_tag("user", int_type));
  const TypeId function = builder.function("open", prototype);
  const TypeId none = builder.function("none", builder.prototype(0, {}));
  const Btf btf = builder.parse();
  EXPECT_EQ(btf.name_of(callback), "int (*)(int fd, ...)");
  EXPECT_EQ(btf.name_of(callbacks), "int (*[3])(int fd, ...)");
  EXPECT_EQ(btf.name_of(const_pointer), "const int *const");
  EXPECT_EQ(btf.name_of(to_array), "int (*)[5]");
  EXPECT_EQ(btf.name_of(tagged), "__user int *");
  EXPECT_EQ(btf.declaration(function).value(), "int open(int fd, ...);\n");
  EXPECT_EQ(btf.declaration(none).value(), "void none(void);\n");
}

TEST(Btf, DeclaresStructsAsHeadersDo) {
  BtfBuilder builder;
  const TypeId int_type = builder.integer("int", 4, Encoding::is_signed);
  const TypeId inner = builder.union_type("", 4, {{"a", int_type, 0}, {"b", builder.array(int_type, 1), 0}});
  const TypeId kinds = builder.enumeration("", {{"ONE", 1}});
  const TypeId outer =
      builder.structure("outer", 12, {{"", inner, 0}, {"bits", int_type, 35, 5}, {"kind", kinds, 64}});
  const auto text = builder.parse().declaration(outer).value();
  std::string without_comments;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text.compare(at, 2, "/*") == 0) at = text.find("*/", at) + 2;
    while (without_comments.ends_with(' ') && text[at] == '\n') without_comments.pop_back();
    without_comments += text[at];
  }
  EXPECT_EQ(without_comments,
            "struct outer {\n"
            "\tunion {\n"
            "\t\tint a;\n"
            "\t\tint b[1];\n"
            "\t};\n"
            "\tint bits:5;\n"
            "\tenum {\n"
            "\t\tONE = 1,\n"
            "\t} kind;\n"
            "};\n");
  EXPECT_THAT(text, HasSubstr("/* 4:3 */"));
  EXPECT_THAT(text, HasSubstr("/* 12 bytes */"));
}

TEST(Btf, NamesCannotCommandATerminal) {
  BtfBuilder builder;
  const TypeId type = builder.structure("a\x1b[2J", 4, {{"b\n", builder.integer("i\r", 4), 0}});
  EXPECT_EQ(builder.parse().declaration(type).value().find_first_of("\x1b\r"), std::string::npos);
}

TEST(Btf, KnowsVariables) {
  const Btf btf = small_kernel_btf().parse();
  EXPECT_EQ(btf.name_of(btf.variable("runqueues").value()), "struct rq");
  EXPECT_EQ(btf.variable("list_head"), std::nullopt);
}

TEST(Btf, ASplitBlobStandsOnItsBase) {
  BtfBuilder base_builder = small_kernel_btf();
  const Btf base = base_builder.parse();
  BtfBuilder builder = BtfBuilder::split_from(base_builder);
  const TypeId pid = base.find(TypeKind::type_definition, "pid_t").value();
  const TypeId own = builder.structure("module_thing", 8, {{"owner", pid, 0}});
  builder.structure("list_head", 99, {});
  const auto split = Btf::parse(builder.build(), &base);
  ASSERT_TRUE(split) << why(split);
  EXPECT_EQ(own, base.last_id() + 1);
  EXPECT_EQ(split->find(TypeKind::structure, "module_thing"), own);
  EXPECT_EQ(split->name_of(split->member(own, "owner").value().type), "pid_t");
  EXPECT_EQ(split->find(TypeKind::structure, "task_struct"), base.find(TypeKind::structure, "task_struct"));
  EXPECT_EQ(split->size_of(named(*split, "struct list_head")).value(), 99u) << "its own before the base's";
  EXPECT_EQ(base.find(TypeKind::structure, "module_thing"), std::nullopt);
  // The same bytes without the base mean something else.
  EXPECT_EQ(code_of(Btf::parse(builder.build())), ErrorCode::corrupt);
}

TEST(Btf, ASplitBlobMayBeEmpty) {
  BtfBuilder base_builder = small_kernel_btf();
  const Btf base = base_builder.parse();
  const auto split = Btf::parse(BtfBuilder::split_from(base_builder).build(), &base);
  ASSERT_TRUE(split) << why(split);
  EXPECT_EQ(split->last_id(), base.last_id());
  EXPECT_TRUE(split->find(TypeKind::structure, "list_head"));
}

TEST(Btf, PassesOverKindsThatTheBlobHasTheSizeOf) {
  BtfBuilder builder;
  builder.raw("new", 25, false, 2, 0, {1, 2, 3, 4, 5});
  const TypeId after = builder.structure("after", 4, {});
  EXPECT_EQ(code_of(Btf::parse(builder.build())), ErrorCode::unsupported);
  builder.fields.layouts.resize(26);
  builder.fields.layouts[25] = {4, 8};
  const auto btf = Btf::parse(builder.build());
  ASSERT_TRUE(btf) << why(btf);
  EXPECT_EQ(btf->find(TypeKind::structure, "after"), after);
  EXPECT_EQ(btf->type(1).value().kind, TypeKind::other);
  // Known kinds are not changed.
  builder.fields.layouts[4] = {8, 8};
  EXPECT_TRUE(Btf::parse(builder.build()));
}

struct HeaderLie {
  const char* name;
  void (*change)(BtfHeaderFields&);
  ErrorCode code;
};
class BtfHeader : public testing::TestWithParam<HeaderLie> {};
TEST_P(BtfHeader, IsNotBelieved) {
  BtfBuilder builder = small_kernel_btf();
  GetParam().change(builder.fields);
  EXPECT_EQ(code_of(Btf::parse(builder.build())), GetParam().code);
}
using Fields = BtfHeaderFields;
INSTANTIATE_TEST_SUITE_P(
    , BtfHeader,
    testing::Values(
        HeaderLie{"magic", [](Fields& f) { f.magic = 0x9feb; }, ErrorCode::corrupt},
        HeaderLie{"version", [](Fields& f) { f.version = 2; }, ErrorCode::unsupported},
        HeaderLie{"short_header", [](Fields& f) { f.header_length = 20; }, ErrorCode::corrupt},
        HeaderLie{"long_header", [](Fields& f) { f.header_length = 0xffffffff; }, ErrorCode::truncated},
        HeaderLie{"type_offset", [](Fields& f) { f.type_offset = -4; }, ErrorCode::truncated},
        HeaderLie{"type_length", [](Fields& f) { f.type_length = 1 << 30; }, ErrorCode::truncated},
        HeaderLie{"cut_types", [](Fields& f) { f.type_length = -4; }, ErrorCode::truncated},
        HeaderLie{"name_offset", [](Fields& f) { f.name_offset = 1; }, ErrorCode::truncated},
        HeaderLie{"name_length", [](Fields& f) { f.name_length = 1; }, ErrorCode::truncated},
        HeaderLie{"cut_names", [](Fields& f) { f.name_length = -1; }, ErrorCode::corrupt}),
    [](const auto& lie) { return std::string(lie.param.name); });

TEST(BtfDamage, CutAnywhereItIsAnError) {
  const auto blob = small_kernel_btf().build();
  for (size_t size = 0; size < blob.size(); ++size)
    EXPECT_FALSE(Btf::parse({blob.begin(), blob.begin() + static_cast<ptrdiff_t>(size)})) << size;
}

TEST(BtfDamage, CountsBeyondTheBlob) {
  BtfBuilder builder;
  builder.raw("big", 4, false, 0xffffff, 8);
  EXPECT_EQ(code_of(Btf::parse(builder.build())), ErrorCode::truncated);
}

TEST(BtfDamage, NamesOutsideOfTheNames) {
  BtfBuilder builder;
  const TypeId type = builder.raw("s", 4, false, 1, 8, {0x7fffffff, 0, 0});
  const Btf btf = builder.parse();
  EXPECT_EQ(code_of(btf.members(type)), ErrorCode::corrupt);
  EXPECT_EQ(code_of(btf.member(type, "x")), ErrorCode::corrupt);
  EXPECT_EQ(code_of(btf.declaration(type)), ErrorCode::corrupt);
}

TEST(BtfDamage, TypesThatDoNotExist) {
  BtfBuilder builder;
  const TypeId pointer = builder.pointer(1000);
  const TypeId alias = builder.type_definition("t", 0x80000005);
  const Btf btf = builder.parse();
  EXPECT_EQ(code_of(btf.type(1000)), ErrorCode::corrupt);
  EXPECT_EQ(code_of(btf.type(~0u)), ErrorCode::corrupt);
  EXPECT_EQ(code_of(btf.strip(alias)), ErrorCode::corrupt);
  EXPECT_EQ(btf.name_of(pointer), fmt::format("type {}", pointer));
  EXPECT_EQ(code_of(btf.declaration(pointer)), ErrorCode::corrupt);
}

TEST(BtfDamage, TypedefsInACircleEnd) {
  BtfBuilder builder;
  const TypeId first = builder.type_definition("a", 2);
  builder.const_type(1);
  const TypeId pointer = builder.pointer(3);
  const TypeId array = builder.array(4, 2);
  const Btf btf = builder.parse();
  EXPECT_EQ(code_of(btf.strip(first)), ErrorCode::corrupt);
  EXPECT_EQ(code_of(btf.size_of(first)), ErrorCode::corrupt);
  EXPECT_EQ(code_of(btf.size_of(array)), ErrorCode::corrupt);
  for (const TypeId id : {first, pointer, array}) {
    EXPECT_FALSE(btf.name_of(id).empty());
    (void)btf.declaration(id);
  }
}

TEST(BtfDamage, StructsInsideThemselvesEnd) {
  BtfBuilder builder;
  // Twice: without a bound on all members together this would be 2^32 steps.
  const TypeId type = builder.structure("", 8, {{"", 1, 0}, {"", 1, 0}, {"x", 1, 0}});
  const TypeId prototype = builder.prototype(2, {{"a", 2}, {"b", 2}, {"c", 2}});
  const Btf btf = builder.parse();
  EXPECT_EQ(code_of(btf.member(type, "y")), ErrorCode::corrupt);
  EXPECT_EQ(btf.nearest_member(type, "z"), "");
  EXPECT_EQ(code_of(btf.declaration(type)), ErrorCode::corrupt);
  EXPECT_EQ(code_of(btf.declaration(prototype)), ErrorCode::corrupt);
}

TEST(BtfDamage, ArraysLargerThanMemory) {
  BtfBuilder builder;
  const TypeId word = builder.integer("long", 8);
  TypeId array = word;
  for (int depth = 0; depth < 3; ++depth) array = builder.array(array, 0xffffffff);
  const TypeId outer = builder.structure("outer", 8, {{"a", array, 0}});
  const Btf btf = builder.parse();
  EXPECT_EQ(code_of(btf.size_of(array)), ErrorCode::corrupt);
  EXPECT_EQ(code_of(btf.member(outer, "a[1]")), ErrorCode::corrupt);
  EXPECT_EQ(code_of(btf.member(outer, "a[4000000000]")), ErrorCode::corrupt);
}

TEST(BtfDamage, WideBitFields) {
  BtfBuilder builder;
  const TypeId type = builder.structure("s", 8, {{"wide", builder.integer("long", 8), 0, 200}});
  EXPECT_EQ(code_of(builder.parse().member(type, "wide")), ErrorCode::corrupt);
}

TEST(BtfDamage, ManyTypesOfOneNameAreStillFast) {
  BtfBuilder builder;
  const uint32_t name = builder.name("same");
  std::vector<std::byte> blob;
  for (int index = 0; index < 300'000; ++index) builder.forward("");
  blob = builder.build();
  for (size_t index = 0; index < 300'000; ++index)
    std::memcpy(blob.data() + 24 + index * 12, &name, sizeof name);
  const auto btf = Btf::parse(std::move(blob));
  ASSERT_TRUE(btf);
  EXPECT_EQ(btf->find(TypeKind::structure, "same"), std::nullopt);
  EXPECT_EQ(btf->find(TypeKind::forward, "same"), 1u);
}

}  // namespace
}  // namespace lifeboat::test
