// SPDX-License-Identifier: GPL-2.0-or-later
// Tasks as a tree: children below their parents, threads below the leader of their process.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "src/vmcore/tasks.h"

namespace lifeboat::inspect {

struct TreeEntry {
  const Task* task = nullptr;
  size_t depth = 0;  // how many of its ancestors are shown
};

// Those of `tasks` for which `shown` is true, each once, in the order of the tree. A task whose parent is not
// among `tasks` begins a tree of its own, as does one of a loop of parents, which only a damaged dump has.
// All idle tasks have PID 0: the first one has children. `tasks` are in the order of TaskList, and outlive
// the result.
std::vector<TreeEntry> process_tree(std::span<const Task> tasks,
                                    const std::function<bool(const Task&)>& shown);

}  // namespace lifeboat::inspect
