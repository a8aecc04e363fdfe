// SPDX-License-Identifier: GPL-2.0-or-later
// Walks a struct list_head that may be damaged, forwards and then backwards from its head.
#pragma once

#include <functional>
#include <string>

#include "src/vmcore/kernel_memory.h"

namespace lifeboat {

// Calls `visit` with the address of each node's list_head but that of `head`, each once. Forwards until the
// head is reached again; when a pointer is invalid (unreadable, a loop, or a node that `visit` rejects with
// false), what is left is walked backwards from the head, and those nodes come last, in reverse. Returns what
// was wrong; empty: nothing. At most `limit` nodes are visited.
std::string walk_list(const KernelMemory& memory, uint64_t head, uint64_t limit,
                      const std::function<bool(uint64_t node)>& visit);

}  // namespace lifeboat
