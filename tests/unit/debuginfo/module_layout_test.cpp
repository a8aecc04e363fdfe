// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/debuginfo/module_layout.h"

#include <elf.h>

#include "tests/unit/debuginfo/fixtures.h"

namespace lifeboat::test {
namespace {

using testing::HasSubstr;

constexpr uint64_t kText = 0xffffffffc0300000, kOther = 0xffffffffc0100000;

class ModuleLayouts : public testing::Test {
 protected:
  // As the kernel would have loaded it: .text and .text.other far from each other.
  void SetUp() override {
    const uint64_t other = address_of(file_, "other"), outer = address_of(file_, "outer");
    file_.visit_functions([&](std::string_view /*name*/, uint64_t address, size_t section) {
      if (address == other) other_section_ = section;
      if (address == outer) text_section_ = section;
    });
    ASSERT_NE(text_section_, other_section_);
    file_.visit_functions([&](std::string_view name, uint64_t address, size_t section) {
      if (section != text_section_ && section != other_section_) return;
      const uint64_t base = section == other_section_ ? kOther : kText;
      loaded_.push_back({std::string(name), base + address - file_.section(section).start});
    });
  }
  [[nodiscard]] uint64_t in_memory(std::string_view name) const {
    for (const auto& function : loaded_)
      if (function.name == name) return function.address;
    ADD_FAILURE() << name;
    return 0;
  }
  [[nodiscard]] Result<ModuleLayout> find() const { return ModuleLayout::find(file_, loaded_); }

  DebugFile file_ = DebugFile::open(fixture("object.o"), EM_X86_64).value();
  size_t text_section_ = 0, other_section_ = 0;
  std::vector<LoadedFunction> loaded_;
};

TEST_F(ModuleLayouts, each_section_is_where_its_functions_are) {
  const auto layout = find();
  ASSERT_TRUE(layout) << why(layout);
  for (const std::string name : {"at_innermost", "outer", "other", "at_other", "call_twin"}) {
    const auto address = layout->to_file(in_memory(name));
    ASSERT_TRUE(address) << name;
    EXPECT_EQ(*address, address_of(file_, name)) << name;
  }
  const auto places = file_.places(layout->to_file(in_memory("at_innermost")).value());
  ASSERT_EQ(places.size(), 3u);
  EXPECT_EQ(places[0].line, line_of("line of innermost"));
}

TEST_F(ModuleLayouts, addresses_outside) {
  const auto layout = find();
  ASSERT_TRUE(layout);
  const auto text = file_.section(text_section_);
  EXPECT_TRUE(layout->to_file(kText + (text.end - text.start) - 1));
  for (const uint64_t address :
       {uint64_t{0}, kText - 1, kText + (text.end - text.start), kOther - 1, ~uint64_t{0}})
    EXPECT_FALSE(layout->to_file(address)) << address;
}

TEST_F(ModuleLayouts, a_section_that_is_gone) {
  // As .init.text after the module's start.
  std::erase_if(loaded_, [](const LoadedFunction& function) { return function.address < kText; });
  const auto layout = find();
  ASSERT_TRUE(layout) << why(layout);
  EXPECT_FALSE(layout->to_file(kOther));
  EXPECT_TRUE(layout->to_file(kText));
}

TEST_F(ModuleLayouts, names_that_several_functions_have_do_not_count) {
  size_t twins = 0;
  for (auto& function : loaded_) {
    if (function.name != "twin") continue;
    function.address += 0x1000;
    ++twins;
  }
  ASSERT_EQ(twins, 2u);
  EXPECT_TRUE(find());
}

TEST_F(ModuleLayouts, another_build) {
  for (auto& function : loaded_)
    if (function.name == "outer") ++function.address;
  const auto layout = find();
  ASSERT_FALSE(layout);
  EXPECT_EQ(layout.error().code, ErrorCode::corrupt);
  EXPECT_THAT(layout.error().message, HasSubstr("another build"));
}

TEST_F(ModuleLayouts, another_module) {
  loaded_ = {{"ext4_read", kText}};
  EXPECT_THAT(find().error().message, HasSubstr("another module"));
  loaded_.clear();
  EXPECT_FALSE(find());
}

}  // namespace
}  // namespace lifeboat::test
