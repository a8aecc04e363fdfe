// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/modules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_system.h"
#include "tests/support/results.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

using namespace fake_module;
using testing::ElementsAre;
using testing::HasSubstr;

Result<ModuleList> read(FakeSystem& system) {
  const auto session = system.session();
  return session.modules();
}

std::vector<std::string> names(const ModuleList& list) {
  std::vector<std::string> all;
  for (const auto& module : list.modules) all.push_back(module.name);
  return all;
}

TEST(ModuleListTest, ListsWhereModulesAre) {
  FakeSystem system;
  const ModuleList list = read(system).value();
  EXPECT_EQ(list.damage, "");
  EXPECT_THAT(names(list), ElementsAre("first", "second"));
  const Module& second = list.modules[1];
  EXPECT_EQ(second.state, ModuleState::live);
  EXPECT_EQ(second.taints, 0x1000u);
  EXPECT_EQ(second.size, kPageSize);
  EXPECT_EQ(list.find("second"), &second);
  EXPECT_EQ(list.find("third"), nullptr);
  EXPECT_EQ(list.at(second.base + kPageSize - 1), &second);
  EXPECT_EQ(list.at(second.base + kPageSize), nullptr);
  EXPECT_EQ(list.at(0), nullptr);
}

TEST(ModuleListTest, SymbolsOfModulesAreNamed) {
  FakeSystem system;
  const auto session = system.session();
  const uint64_t base = session.modules()->find("first")->base;
  const auto found = session.names()->at(base + 0x48);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->to_string(), "first_function+0x8 [first]");
}

TEST(ModuleListTest, ALoopEnds) {
  FakeSystem system;
  const uint64_t node = system.modules["second"] + kList;
  system.fake.write64(node, system.modules["first"] + kList);
  const ModuleList list = read(system).value();
  EXPECT_THAT(names(list), ElementsAre("first", "second"));
  EXPECT_THAT(list.damage, HasSubstr("does not end"));
}

TEST(ModuleListTest, AWildPointerEnds) {
  for (const uint64_t wrong : {uint64_t{0}, uint64_t{0xdead000000000100}, ~uint64_t{0}}) {
    FakeSystem system;
    system.fake.write64(system.modules["first"] + kList, wrong);
    const ModuleList list = read(system).value();
    EXPECT_EQ(names(list).at(0), "first") << wrong;
    EXPECT_NE(list.damage, "") << wrong;
  }
}

TEST(ModuleListTest, SizesThatCannotBeAreDamage) {
  for (const auto& [offset, wrong] : {std::pair{kMem + 8, uint64_t{0xffffffff}}, {kMem, ~uint64_t{0} - 16}}) {
    FakeSystem system;
    system.fake.write64(system.modules["first"] + offset, wrong);
    const ModuleList list = read(system).value();
    EXPECT_THAT(names(list), ElementsAre("second"));
    EXPECT_THAT(list.damage, HasSubstr("'first' has"));
  }
}

TEST(ModuleListTest, ANameWithoutEndIsCut) {
  FakeSystem system;
  system.fake.write(system.modules["first"] + kName, std::vector<std::byte>(56, std::byte{'x'}));
  EXPECT_EQ(read(system).value().modules[0].name, std::string(56, 'x'));
}

TEST(ModuleListTest, ALostModuleEndsTheList) {
  FakeSystem system;
  system.fake.memory().fail_page(FakeKernel::to_physical(system.modules["first"]), ErrorCode::excluded);
  const ModuleList list = read(system).value();
  EXPECT_NE(list.damage, "");
  FakeSystem headless;
  headless.fake.memory().fail_page(FakeKernel::to_physical(headless.module_list), ErrorCode::lost);
  EXPECT_EQ(code_of(read(headless)), ErrorCode::lost);
}

TEST(ModuleListTest, WithoutTheSymbol) {
  FakeSystem system;
  system.symbols.erase("modules");
  system.write_symbols();
  const auto list = read(system);
  EXPECT_EQ(code_of(list), ErrorCode::not_found);
  EXPECT_THAT(list.error().fix, HasSubstr("CONFIG_KALLSYMS_ALL"));
}

}  // namespace
}  // namespace lifeboat::test
