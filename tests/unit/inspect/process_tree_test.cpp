// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/process_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lifeboat::inspect {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

Task process(int32_t pid, int32_t parent) {
  Task task;
  task.address = 0xffff888000000000 + static_cast<uint64_t>(pid) * 0x1000;
  task.pid = task.tgid = pid;
  task.ppid = parent;
  return task;
}
Task thread(int32_t pid, int32_t leader, int32_t parent) {
  Task task = process(pid, parent);
  task.tgid = leader;
  return task;
}
Task idle(uint32_t cpu) {
  Task task = process(0, 0);
  task.cpu = cpu;
  task.address += uint64_t{cpu} * 0x100;
  return task;
}

bool all(const Task&) {
  return true;
}
bool processes(const Task& task) {
  return task.pid == task.tgid && task.pid != 0;
}

// "PID", with two spaces before it for each level.
std::vector<std::string> drawn(const std::vector<Task>& tasks, bool (*shown)(const Task&) = all) {
  std::vector<std::string> lines;
  for (const auto& [task, depth] : process_tree(tasks, shown))
    lines.push_back(std::string(depth * 2, ' ') + std::to_string(task->pid));
  return lines;
}

TEST(ProcessTree, ChildrenAreBelowTheirParents) {
  EXPECT_THAT(drawn({idle(0), process(1, 0), process(2, 0), process(5, 1), process(6, 5), process(7, 1)}),
              ElementsAre("0", "  1", "    5", "      6", "    7", "  2"));
}

TEST(ProcessTree, ThreadsAreBelowTheirLeader) {
  EXPECT_THAT(drawn({idle(0), process(1, 0), process(5, 1), thread(6, 5, 1), process(7, 5)}),
              ElementsAre("0", "  1", "    5", "      6", "      7"));
}

TEST(ProcessTree, WhatIsNotShownTakesNoLevel) {
  const std::vector<Task> tasks = {idle(0), process(1, 0), process(5, 1), thread(6, 5, 1), process(7, 5)};
  EXPECT_THAT(drawn(tasks, processes), ElementsAre("1", "  5", "    7"));
  EXPECT_THAT(drawn(tasks, [](const Task& task) { return task.pid == 7; }), ElementsAre("7"));
  EXPECT_THAT(drawn(tasks, [](const Task&) { return false; }), IsEmpty());
}

// The children of "process 0" are those of the first idle task alone.
TEST(ProcessTree, IdleTasksAreThereOnceEach) {
  const std::vector<Task> tasks = {idle(0), idle(1), idle(2), process(1, 0), process(5, 1)};
  const auto entries = process_tree(tasks, all);
  ASSERT_THAT(entries, SizeIs(5));
  EXPECT_EQ(entries.front().task, &tasks[0]);
  EXPECT_THAT(drawn(tasks), ElementsAre("0", "  0", "  0", "  1", "    5"));
  EXPECT_THAT(drawn(tasks, processes), ElementsAre("1", "  5"));
}

TEST(ProcessTree, WithoutAnIdleTaskThereAreTwoRoots) {
  EXPECT_THAT(drawn({process(1, 0), process(2, 0), process(5, 1), process(6, 2)}),
              ElementsAre("1", "  5", "2", "  6"));
}

TEST(ProcessTree, AnOrphanBeginsATree) {
  EXPECT_THAT(drawn({idle(0), process(1, 0), process(5, 99), process(6, 5)}),
              ElementsAre("0", "  1", "5", "  6"));
}

TEST(ProcessTree, AThreadWithoutItsLeaderIsShown) {
  EXPECT_THAT(drawn({idle(0), process(1, 0), thread(6, 5, 1)}), ElementsAre("0", "  1", "6"));
}

// In a damaged dump.
TEST(ProcessTree, ALoopOfParentsEnds) {
  EXPECT_THAT(drawn({idle(0), process(1, 0), process(5, 7), process(6, 5), process(7, 6)}),
              ElementsAre("0", "  1", "5", "  6", "    7"));
  EXPECT_THAT(drawn({process(5, 5)}), ElementsAre("5")) << "its own parent";
  EXPECT_THAT(drawn({process(5, 5), process(6, 5)}), ElementsAre("5", "  6"));
}

TEST(ProcessTree, TwoTasksOfOnePidAreBothShown) {
  EXPECT_THAT(drawn({process(1, 0), process(5, 1), process(5, 1)}), ElementsAre("1", "  5", "  5"));
}

TEST(ProcessTree, AnyDepth) {
  std::vector<Task> tasks;
  for (int32_t pid = 1; pid <= 100'000; ++pid) tasks.push_back(process(pid, pid - 1));
  const auto entries = process_tree(tasks, all);
  ASSERT_THAT(entries, SizeIs(tasks.size()));
  EXPECT_EQ(entries.back().depth, tasks.size() - 1);
}

TEST(ProcessTree, OfNothing) {
  EXPECT_THAT(process_tree({}, all), IsEmpty());
}

}  // namespace
}  // namespace lifeboat::inspect
