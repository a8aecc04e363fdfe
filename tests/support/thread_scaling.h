// SPDX-License-Identifier: GPL-2.0-or-later
// Whether work that waits most of its time gets faster with every thread. It needs no CPU for each of them,
// so it shows what the threads wait for each other, on a machine of any size.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

namespace lifeboat::test {

// `run` does the same work each time, with so many threads. The medians of three runs with one thread and
// with `threads` are compared; the test fails when the latter are not at least `times` as fast. On a machine
// that others use too threads may be stopped for a while: it is tried a few times.
inline void expect_faster_with_threads(unsigned threads, double times,
                                       const std::function<void(unsigned threads)>& run) {
  constexpr int kRuns = 3;
  const auto median_with = [&run](unsigned count) {
    std::vector<double> seconds;
    for (int round = 0; round < kRuns; ++round) {
      const auto begin = std::chrono::steady_clock::now();
      run(count);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      seconds.push_back(took.count());
    }
    std::ranges::sort(seconds);
    return seconds[kRuns / 2];
  };
  constexpr int kTries = 4;
  double one = 0, many = 0;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    one = median_with(1);
    many = median_with(threads);
    if (one / many >= times) return;
  }
  EXPECT_GE(one / many, times) << "one thread takes " << one << " s, " << threads << " threads " << many
                               << " s";
}

}  // namespace lifeboat::test
