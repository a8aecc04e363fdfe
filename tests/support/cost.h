// SPDX-License-Identifier: GPL-2.0-or-later
// What a piece of work costs, for input that wants it to cost more.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "base/file.h"

namespace lifeboat::test {

inline constexpr double kMostSeconds = 2;
inline constexpr uint64_t kMostMemory = uint64_t{256} << 20;

// Runs `work` in a child that may take kMostSeconds of CPU time and kMostMemory more than this process has. A
// failure says what it took. The child's own expectations count: it fails when one of them does.
inline void expect_cheap(const std::function<void()>& work) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto pages = std::strtoull(read_line("/proc/self/statm").value_or("0").c_str(), nullptr, 10);
    const rlim_t memory = pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) + kMostMemory;
    const rlimit address_space{memory, memory}, seconds{20, 20};
    ::setrlimit(RLIMIT_AS, &address_space);
    ::setrlimit(RLIMIT_CPU, &seconds);  // far too much: no need to wait for more
    work();
    std::fflush(nullptr);
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  rusage usage{};
  ASSERT_EQ(::wait4(child, &status, 0, &usage), child);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
      << (WIFSIGNALED(status) ? "killed by signal " : "exit status ")
      << (WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  EXPECT_LT(seconds(usage.ru_utime) + seconds(usage.ru_stime), kMostSeconds);
}

}  // namespace lifeboat::test
