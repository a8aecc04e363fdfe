// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/named_stacks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_system.h"
#include "tests/support/results.h"

namespace lifeboat::inspect {
namespace {

using test::FakeSystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<NamedStack> all(const Session& session) {
  std::vector<NamedStack> stacks;
  const auto done = all_stacks(session, [&](const NamedStack& stack) { stacks.push_back(stack); });
  EXPECT_TRUE(done) << test::why(done);
  return stacks;
}
std::vector<int32_t> pids(const std::vector<NamedStack>& stacks) {
  std::vector<int32_t> all;
  for (const auto& stack : stacks) all.push_back(stack.pid);
  return all;
}

TEST(AllStacks, OneForEachTask) {
  FakeSystem system;
  const auto session = system.session();
  const auto stacks = all(session);
  ASSERT_THAT(pids(stacks), ElementsAre(0, 0, 1, 5, 6, 7));
  EXPECT_THAT(stacks[3].frames, Not(IsEmpty()));
  EXPECT_FALSE(stacks[3].running);
  EXPECT_THAT(stacks[5].frames, Not(IsEmpty()));
  EXPECT_TRUE(stacks[5].running);
}

// CPU 1 saved no registers: its idle task's stack is not known, and the others are.
TEST(AllStacks, OneThatCannotBeReadSaysWhy) {
  FakeSystem system;
  const auto session = system.session();
  const auto stacks = all(session);
  ASSERT_GT(stacks.size(), 2u);
  EXPECT_EQ(stacks[1].cpu, 1u);
  EXPECT_TRUE(stacks[1].running);
  EXPECT_THAT(stacks[1].frames, IsEmpty());
  EXPECT_THAT(stacks[1].end, HasSubstr("saved no registers"));
}

// The task that panicked is not marked as running, or is not in the list at all.
TEST(AllStacks, ACpuWithoutATaskIsAmongThem) {
  FakeSystem system;
  system.fake.write32(system.tasks.at(7) + test::fake_task::kOnCpu, 0);
  const auto session = system.session();
  const auto stacks = all(session);
  ASSERT_THAT(pids(stacks), ElementsAre(0, 0, 1, 5, 6, 7, -1));
  EXPECT_FALSE(stacks[5].running);
  EXPECT_EQ(stacks[6].cpu, 0u);
  EXPECT_TRUE(stacks[6].running);
  EXPECT_THAT(stacks[6].frames, Not(IsEmpty()));
}

TEST(AllStacks, WithoutTasksTheReasonIsTold) {
  FakeSystem system;
  system.symbols.erase("init_task");
  system.write_symbols();
  const auto session = system.session();
  const auto done = all_stacks(session, [](const NamedStack&) { ADD_FAILURE(); });
  EXPECT_FALSE(done);
  EXPECT_THAT(test::why(done), HasSubstr("init_task"));
}

}  // namespace
}  // namespace lifeboat::inspect
