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
#include <fstream>
#include <optional>

#include "base/error.h"
#include "base/size.h"
#include "tests/support/results.h"

namespace lifeboat::test {

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

// `work` returns a Result. A test fails when it crashes, or takes 20 s of CPU time.
template <typename Work>
MeasuredRun run_measured(Work work) {
  constexpr int kWorked = 100;
  const uint64_t before = resident_bytes();
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{.rlim_cur = 20, .rlim_max = 20};
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

// The bounds for input of any contents. A sanitizer takes a multiple of both for itself.
inline void expect_cheap(const MeasuredRun& run) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr unsigned kFactor = 6;
#else
  constexpr unsigned kFactor = 1;
#endif
  EXPECT_LT(run.cpu_seconds, 2.0 * kFactor);
  EXPECT_LT(run.peak_bytes, 256_MiB * kFactor);
}

}  // namespace lifeboat::test
