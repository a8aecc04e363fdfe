// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/fold.h"

#include <algorithm>

namespace lifeboat::inspect {
namespace {

constexpr size_t kLongestCycle = 8;
constexpr size_t kFewestTimes = 3;

bool same(const NamedFrame& a, const NamedFrame& b) {
  return a.frame.address == b.frame.address && a.frame.stack == b.frame.stack &&
         a.frame.interrupted == b.frame.interrupted && a.frame.reliable == b.frame.reliable;
}

// How often the `length` frames at `first` repeat in a row.
size_t times_in_a_row(const std::vector<NamedFrame>& frames, size_t first, size_t length) {
  size_t matching = 0;
  while (first + length + matching < frames.size() &&
         same(frames[first + matching], frames[first + length + matching]))
    ++matching;
  return 1 + matching / length;
}

}  // namespace

std::vector<Fold> fold_recursion(const std::vector<NamedFrame>& frames) {
  std::vector<Fold> folds;
  for (size_t index = 0; index < frames.size();) {
    Fold fold{.first = index};
    for (size_t length = 1; length <= kLongestCycle && index + length <= frames.size(); ++length) {
      const size_t times = times_in_a_row(frames, index, length);
      if (times < kFewestTimes) continue;
      fold.length = length;
      fold.times = times;
      break;
    }
    folds.push_back(fold);
    index += fold.length * fold.times;
  }
  return folds;
}

}  // namespace lifeboat::inspect
