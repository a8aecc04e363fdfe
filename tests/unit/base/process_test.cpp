// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "tests/support/results.h"

namespace lifeboat {
namespace {

using namespace std::chrono_literals;
using test::code_of;

TEST(Process, GivesStatusAndOutputInOrder) {
  const auto output = run_process({"sh", "-c", "echo out; echo err >&2; echo again; exit 3"}, 60s);
  ASSERT_TRUE(output) << output.error().to_string();
  EXPECT_EQ(output->status, 3);
  EXPECT_EQ(output->text, "out\nerr\nagain\n");
}

TEST(Process, TakesArgumentsAsTheyAre) {
  const auto output = run_process({"printf", "%s|", "a b", "$HOME", "*", ""}, 60s);
  ASSERT_TRUE(output);
  EXPECT_EQ(output->text, "a b|$HOME|*||");
}

TEST(Process, OutputLargerThanAPipeArrives) {
  const auto output = run_process({"head", "-c", "1000000", "/dev/zero"}, 60s);
  ASSERT_TRUE(output);
  EXPECT_EQ(output->text.size(), 1'000'000u);
}

TEST(Process, WhatItLeavesRunningIsNotWaitedFor) {
  const auto begin = std::chrono::steady_clock::now();
  const auto output = run_process({"sh", "-c", "echo before; sleep 60 & echo $!"}, 50s);
  ASSERT_TRUE(output) << output.error().to_string();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 40s);
  EXPECT_EQ(output->status, 0);
  ASSERT_TRUE(output->text.starts_with("before\n"));
  ::kill(std::stoi(output->text.substr(7)), SIGKILL);
}

TEST(Process, AllThatItWroteArrivesThoughOthersHoldThePipe) {
  const auto output = run_process({"sh", "-c", "sleep 60 & echo $!; head -c 1000000 /dev/zero"}, 50s);
  ASSERT_TRUE(output) << output.error().to_string();
  const size_t line = output->text.find('\n');
  EXPECT_EQ(output->text.size() - line - 1, 1'000'000U);
  ::kill(std::stoi(output->text), SIGKILL);
}

// The background one writes without an end; it dies by our closing the pipe.
TEST(Process, WhatItLeavesRunningIsNotListenedTo) {
  const auto output = run_process({"sh", "-c", "cat /dev/zero & exit 0"}, 50s);
  ASSERT_TRUE(output) << output.error().to_string();
  EXPECT_EQ(output->status, 0);
}

TEST(Process, IsWaitedForThoughItClosedItsOutput) {
  const auto output = run_process({"sh", "-c", "exec >/dev/null 2>&1; sleep 0.2; exit 4"}, 50s);
  ASSERT_TRUE(output) << output.error().to_string();
  EXPECT_EQ(output->status, 4);
}

TEST(Process, OfOutputWithoutAnEndSoMuchIsKept) {
  const auto output =
      run_process({"head", "-c", std::to_string(kMaxOutputBytes + 100'000), "/dev/zero"}, 50s);
  ASSERT_TRUE(output) << output.error().to_string();
  EXPECT_EQ(output->text.size(), kMaxOutputBytes);
  EXPECT_EQ(code_of(run_process({"cat", "/dev/zero"}, 200ms)), ErrorCode::timeout);
}

TEST(Process, InputIsEmpty) {
  const auto output = run_process({"cat"}, 60s);
  ASSERT_TRUE(output);
  EXPECT_EQ(output->status, 0);
  EXPECT_EQ(output->text, "");
}

TEST(Process, EndBySignalIsReported) {
  const auto output = run_process({"sh", "-c", "kill -TERM $$"}, 60s);
  ASSERT_TRUE(output);
  EXPECT_EQ(output->status, 128 + SIGTERM);
}

TEST(Process, MissingProgramIsNotFound) {
  EXPECT_EQ(code_of(run_process({"lifeboat-no-such-program"}, 1s)), ErrorCode::not_found);
  EXPECT_EQ(code_of(run_process({"/no/such/program"}, 1s)), ErrorCode::not_found);
}

TEST(Process, DeadlineEndsIt) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(code_of(run_process({"sleep", "60"}, 200ms)), ErrorCode::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 50s);
}

TEST(Process, ChildDiesWithItsObject) {
  pid_t pid = -1;
  {
    auto child = ChildProcess::start({"sleep", "60"}, {});
    ASSERT_TRUE(child);
    pid = child->pid();
    EXPECT_EQ(child->poll(), std::nullopt);
    EXPECT_EQ(child->wait(10ms), std::nullopt);
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(Process, StatusStaysAfterTheEndAndAfterAMove) {
  auto child = ChildProcess::start({"sh", "-c", "exit 7"}, {});
  ASSERT_TRUE(child);
  EXPECT_EQ(child->wait(60s), 7);
  EXPECT_EQ(child->poll(), 7);
  child->kill();
  ChildProcess moved = *std::move(child);
  EXPECT_EQ(moved.poll(), 7);
}

TEST(Process, KilledChildIsReported) {
  auto child = ChildProcess::start({"sleep", "60"}, {});
  ASSERT_TRUE(child);
  child->kill();
  EXPECT_EQ(child->poll(), 128 + SIGKILL);
}

TEST(FindProgram, LooksWhereAShellWould) {
  const auto shell = find_program("sh");
  ASSERT_TRUE(shell);
  EXPECT_TRUE(std::filesystem::path(*shell).is_absolute());
  EXPECT_EQ(find_program(*shell), shell);
  EXPECT_EQ(find_program("lifeboat-no-such-program"), std::nullopt);
  EXPECT_EQ(find_program("/etc/passwd"), std::nullopt) << "not executable";
}

}  // namespace
}  // namespace lifeboat
