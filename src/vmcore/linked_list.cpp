// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/linked_list.h"

#include <unordered_set>

namespace lifeboat {
namespace {

class Walk {
 public:
  Walk(const KernelMemory& memory, uint64_t head, uint64_t limit, const std::function<bool(uint64_t)>& visit)
      : memory_(memory), head_(head), limit_(limit), visit_(visit) {}

  // Follows the pointers at `member` of each node (0: next, 8: prev). Empty: came back to the head, or to a
  // node that was visited before the walk began.
  std::string follow(uint64_t member) {
    std::unordered_set<uint64_t> on_this_way;
    uint64_t node = head_;
    for (;;) {
      const auto next = memory_.read<uint64_t>(node + member);
      if (!next) return fmt::format("the node at {:#x} cannot be read: {}", node, next.error().message);
      if (*next == head_) return {};
      if (*next % 8 != 0) return fmt::format("the node at {:#x} points to {:#x}", node, *next);
      if (!on_this_way.insert(*next).second) return fmt::format("it loops at {:#x}", *next);
      if (seen_.contains(*next)) return {};
      if (seen_.size() >= limit_) return fmt::format("it has more than {} nodes", limit_);
      // The target of the pointer must be a node before it is used.
      if (const auto other = memory_.read<uint64_t>(*next + (8 - member)); !other)
        return fmt::format("the node at {:#x} points to {:#x}: {}", node, *next, other.error().message);
      if (!visit_(*next))
        return fmt::format("the node at {:#x} points to {:#x}, which is not a node", node, *next);
      // Only valid nodes: a wild pointer that both walks reach is not where they join.
      seen_.insert(*next);
      node = *next;
    }
  }

 private:
  const KernelMemory& memory_;
  uint64_t head_, limit_;
  const std::function<bool(uint64_t)>& visit_;
  std::unordered_set<uint64_t> seen_;
};

}  // namespace

std::string walk_list(const KernelMemory& memory, uint64_t head, uint64_t limit,
                      const std::function<bool(uint64_t node)>& visit) {
  Walk walk(memory, head, limit, visit);
  const std::string forwards = walk.follow(0);
  if (forwards.empty()) return {};
  const std::string backwards = walk.follow(8);
  if (backwards.empty()) return fmt::format("forwards {}; walked backwards to there", forwards);
  return fmt::format("forwards {}; backwards {}; the nodes between are unknown", forwards, backwards);
}

}  // namespace lifeboat
