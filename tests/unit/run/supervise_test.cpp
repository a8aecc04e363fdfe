// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/supervise.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/faults.h"
#include "tests/support/pipes.h"
#include "tests/support/sanitized.h"

namespace lifeboat::capture {
namespace {

using namespace std::chrono_literals;

std::chrono::milliseconds time_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
}

TEST(Supervise, DistinguishesDoneFromFailed) {
  EXPECT_EQ(supervise("good", 60s, [](Heartbeat&) -> Result<> { return {}; }), Outcome::done);
  EXPECT_EQ(
      supervise("bad", 60s, [](Heartbeat&) -> Result<> { return fail(ErrorCode::io, "meant to fail"); }),
      Outcome::failed);
}

TEST(Supervise, WorkThatNoProcessCanBeStartedForHasFailed) {
  const test::FaultInjection fault(sys::Call::fork, 0, EAGAIN);
  EXPECT_EQ(supervise("none", 60s, [](Heartbeat&) -> Result<> { return {}; }), Outcome::failed);
  EXPECT_TRUE(fault.fired());
}

TEST(Supervise, CrashOfTheWorkerIsAFailureNotOurs) {
  EXPECT_EQ(supervise("crash", 60s,
                      [](Heartbeat&) -> Result<> {
                        ::signal(SIGSEGV, SIG_DFL);
                        ::raise(SIGSEGV);
                        return {};
                      }),
            Outcome::failed);
}

TEST(Supervise, SilentWorkerIsGivenUp) {
  Outcome outcome{};
  const auto took = time_of([&] {
    outcome = supervise("silent", 1s, [](Heartbeat&) -> Result<> {
      ::sleep(60);
      return {};
    });
  });
  EXPECT_EQ(outcome, Outcome::stalled);
  EXPECT_GE(took, 1s);
  EXPECT_LT(took, 50s);
}

TEST(Supervise, WorkerThatShowsProgressMayTakeLongerThanTheDeadline) {
  EXPECT_EQ(supervise("slow", 3s,
                      [](Heartbeat& heartbeat) -> Result<> {
                        for (uint64_t step = 0; step < 40; ++step) {
                          heartbeat.update(step, 40);
                          ::usleep(100'000);
                        }
                        return {};
                      }),
            Outcome::done);
}

TEST(Supervise, LivelyWorkerIsGivenUpAfterItsTotalTime) {
  Outcome outcome{};
  const ChildLimits limits{.stall = 60s, .total = 1s};
  const auto took = time_of([&] {
    outcome = supervise("lively", limits, [](Heartbeat& heartbeat) -> Result<> {
      for (;;) {
        heartbeat.beat();
        ::usleep(50'000);
      }
    });
  });
  EXPECT_EQ(outcome, Outcome::stalled);
  EXPECT_GE(took, 1s);
  EXPECT_LT(took, 50s);
}

TEST(Supervise, RunningOutOfMemoryIsAFailure) {
  if (test::kSanitized) GTEST_SKIP() << "AddressSanitizer needs all the address space";
  const ChildLimits limits{.stall = 20s, .total = {}, .address_space = uint64_t{1} << 33};
  const auto fill = [](uint64_t bytes) {
    return [bytes](Heartbeat&) -> Result<> {
      const std::vector<char> room(bytes);
      return room.back() == 0 ? Result<>() : fail(ErrorCode::io, "not empty");
    };
  };
  EXPECT_EQ(supervise("modest", limits, fill(uint64_t{1} << 20)), Outcome::done);
  EXPECT_EQ(supervise("greedy", limits, fill(uint64_t{1} << 34)), Outcome::failed);
}

TEST(Supervise, ParentOfASilentChildIsNotSilentItself) {
  EXPECT_EQ(supervise("parent", 3s,
                      [](Heartbeat& heartbeat) -> Result<> {
                        const ChildLimits limits{.stall = 60s, .total = 60s, .parent = &heartbeat};
                        const Outcome outcome = supervise("child", limits, [](Heartbeat&) -> Result<> {
                          ::sleep(5);
                          return {};
                        });
                        return outcome == Outcome::done ? Result<>() : fail(ErrorCode::io, "not done");
                      }),
            Outcome::done);
}

// What it had begun would go on writing into a folder that another capture may remove.
TEST(Supervise, NothingOutlivesASupervisorThatIsKilled) {
  test::FamilyPipe family;
  const pid_t supervisor = ::fork();
  if (supervisor == 0) {
    supervise("child", 600s, [&](Heartbeat& heartbeat) -> Result<> {
      supervise("grandchild", ChildLimits{.stall = 600s, .total = {}, .parent = &heartbeat},
                [&](Heartbeat&) -> Result<> {
                  family.send();
                  for (;;) ::pause();
                });
      return {};
    });
    ::_exit(0);
  }
  family.leave_to_family();
  ASSERT_TRUE(family.hears());
  ASSERT_EQ(::kill(supervisor, SIGKILL), 0);
  ASSERT_EQ(::waitpid(supervisor, nullptr, 0), supervisor);
  EXPECT_TRUE(family.all_gone());
}

TEST(Supervise, ASilentWorkersChildrenAreKilledWithIt) {
  test::FamilyPipe family;
  EXPECT_EQ(supervise("silent", 2s,
                      [&](Heartbeat&) -> Result<> {
                        if (::fork() == 0) family.send();
                        for (;;) ::pause();
                      }),
            Outcome::stalled);
  family.leave_to_family();
  EXPECT_TRUE(family.hears());
  EXPECT_TRUE(family.all_gone());
}

TEST(Supervise, OrphansOfOthersAreReaped) {
  // An orphan's death must not be taken for the worker's.
  const pid_t other = ::fork();
  if (other == 0) ::_exit(7);
  // It ends before the worker does, and is not reaped yet.
  siginfo_t ignored{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(other), &ignored, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(supervise("work", 60s,
                      [](Heartbeat&) -> Result<> {
                        ::usleep(200'000);
                        return {};
                      }),
            Outcome::done);
  EXPECT_EQ(::waitpid(other, nullptr, WNOHANG), -1);
}

}  // namespace
}  // namespace lifeboat::capture
