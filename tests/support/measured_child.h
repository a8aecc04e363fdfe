// SPDX-License-Identifier: GPL-2.0-or-later
// What a piece of work costs, in a process of its own: hostile input may cost neither much time nor much
// memory.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <optional>

#include "src/base/error.h"
#include "src/base/size.h"
#include "tests/support/results.h"
#include "tests/support/sanitized.h"

namespace lifeboat::test {

// What the bounds are multiplied with.
inline constexpr unsigned kCostFactor = kSanitized ? 6 : 1;

struct MeasuredRun {
  std::optional<ErrorCode> code;  // nullopt: it went well
  double cpu_seconds = 0;
  uint64_t peak_bytes = 0;  // of resident memory, above what the process began with
};

// Resident memory of this process.
inline uint64_t resident_bytes() {
  uint64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

// `work` returns a Result. The test fails when it crashes, or takes 20 s of CPU time: far too much, so nobody
// waits for more.
template <typename Work>
MeasuredRun run_measured(Work work) {
  constexpr int kWorked = 100;
  const uint64_t before = resident_bytes();
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr rlim_t kSeconds = rlim_t{20} * kCostFactor;
    const rlimit limit{.rlim_cur = kSeconds, .rlim_max = kSeconds};
    ::setrlimit(RLIMIT_CPU, &limit);
    const auto result = work();
    ::_exit(result ? kWorked : static_cast<int>(result.error().code));
  }
  int status = 0;
  rusage usage{};
  MeasuredRun run;
  if (child < 0 || ::wait4(child, &status, 0, &usage) != child || !WIFEXITED(status)) {
    ADD_FAILURE() << "the process did not end by itself: status " << status;
    return run;
  }
  if (WEXITSTATUS(status) != kWorked) run.code = static_cast<ErrorCode>(WEXITSTATUS(status));
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  run.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  const uint64_t peak = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  run.peak_bytes = peak - std::min(peak, before);
  return run;
}

// The bounds for input of any contents.
inline void expect_cheap(const MeasuredRun& run) {
  EXPECT_LT(run.cpu_seconds, 2.0 * kCostFactor);
  EXPECT_LT(run.peak_bytes, 256_MiB * kCostFactor);
}

// The same of work that has expectations of its own.
inline void expect_cheap(const std::function<void()>& work) {
  const MeasuredRun run = run_measured([&]() -> Result<> {
    work();
    std::fflush(nullptr);
    if (testing::Test::HasFailure()) return fail(ErrorCode::corrupt, "an expectation failed");
    return {};
  });
  EXPECT_FALSE(run.code) << "see the expectations that failed in the child";
  expect_cheap(run);
}

}  // namespace lifeboat::test
