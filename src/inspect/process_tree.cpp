// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/process_tree.h"

#include <map>
#include <set>

namespace lifeboat::inspect {
namespace {

class Tree {
 public:
  Tree(std::span<const Task> tasks, const std::function<bool(const Task&)>& shown)
      : tasks_(tasks), shown_(shown) {
    for (const auto& task : tasks_) children_[task.pid == task.tgid ? task.ppid : task.tgid].push_back(&task);
  }

  std::vector<TreeEntry> entries() {
    std::set<int32_t> pids;
    for (const auto& task : tasks_) pids.insert(task.pid);
    for (const auto& task : tasks_)
      if (task.pid == 0 || !pids.contains(task.ppid)) add(task);
    // Tasks whose parents form a loop, which no root leads to.
    for (const auto& task : tasks_) add(task);
    return std::move(entries_);
  }

 private:
  // Without recursion: a damaged dump may contain parents of any depth.
  void add(const Task& root) {
    std::vector<TreeEntry> open = {{&root, 0}};
    while (!open.empty()) {
      const auto [task, depth] = open.back();
      open.pop_back();
      if (!added_.insert(task).second) continue;
      const bool shown = shown_(*task);
      if (shown) entries_.push_back({task, depth});
      // Idle tasks have no children, but all have PID 0 like the first, whose child is process 1.
      if (task->pid == 0 && task != &tasks_.front()) continue;
      const auto& children = children_[task->pid];
      for (size_t index = children.size(); index-- > 0;)
        if (children[index] != task) open.push_back({children[index], depth + (shown ? 1 : 0)});
    }
  }

  std::span<const Task> tasks_;
  const std::function<bool(const Task&)>& shown_;
  std::map<int32_t, std::vector<const Task*>> children_;  // by the parent's PID
  std::set<const Task*> added_;
  std::vector<TreeEntry> entries_;
};

}  // namespace

std::vector<TreeEntry> process_tree(std::span<const Task> tasks,
                                    const std::function<bool(const Task&)>& shown) {
  return Tree(tasks, shown).entries();
}

}  // namespace lifeboat::inspect
