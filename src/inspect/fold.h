// SPDX-License-Identifier: GPL-2.0-or-later
// Recursion in a stack, so that a person need not read it a hundred times.
#pragma once

#include <vector>

#include "src/inspect/named_stacks.h"

namespace lifeboat::inspect {

// `length` frames from `first` on come `times` times, one after the other; times 1: they do not repeat.
struct Fold {
  size_t first = 0, length = 1, times = 1;
};

// The whole stack in order. Only what comes at least three times in a row counts as repeated; of several
// ways to see it the shortest cycle is taken, up to eight functions long.
std::vector<Fold> fold_recursion(const std::vector<NamedFrame>& frames);

}  // namespace lifeboat::inspect
