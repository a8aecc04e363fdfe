// SPDX-License-Identifier: GPL-2.0-or-later
// Finds recursion in a stack, so that it is printed once, not a hundred times.
#pragma once

#include <vector>

#include "src/inspect/named_stacks.h"

namespace lifeboat::inspect {

// `length` frames from `first` on occur `times` times in a row; times 1: they do not repeat.
struct Fold {
  size_t first = 0, length = 1, times = 1;
};

// The whole stack in order. Only frames that occur at least three times in a row count as repeated; of
// several possible cycles the shortest is taken, up to eight functions long.
std::vector<Fold> fold_recursion(const std::vector<NamedFrame>& frames);

}  // namespace lifeboat::inspect
