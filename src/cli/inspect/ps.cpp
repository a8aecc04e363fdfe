// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "src/base/log.h"
#include "src/base/size.h"
#include "src/cli/inspect/view.h"
#include "src/inspect/memory_use.h"
#include "src/inspect/process_tree.h"

namespace lifeboat::cli {
namespace {

using inspect::ProcessMemory;
using nlohmann::ordered_json;

class Table {
 public:
  Table(const View& view, const TaskList& list) : view_(view), list_(list) {
    if (view.line.has("memory")) {
      const auto memory = inspect::read_process_memory(view.session);
      if (memory) {
        for (const auto& process : *memory) memory_.emplace(process.pid, process);
      } else {
        log::warning("memory of processes: {}", one_line(memory.error().message));
      }
    }
  }

  void print() const {
    fmt::print("{}\n", view_.style.heading(fmt::format("{:>7} {:>7} {:>7} S {:>4}{}  {}", "PID", "TGID",
                                                       "PPID", "CPU", memory_heading(), "COMMAND")));
    if (view_.line.has("tree")) {
      const auto shown = [this](const Task& task) { return is_shown(task); };
      for (const auto& [task, depth] : inspect::process_tree(list_.tasks, shown)) print(*task, depth);
    } else {
      for (const auto& task : list_.tasks)
        if (is_shown(task)) print(task, 0);
    }
  }

  ordered_json json() const {
    ordered_json tasks = ordered_json::array();
    for (const auto& task : list_.tasks) {
      if (!has_state(task)) continue;
      ordered_json entry = {{"pid", task.pid},
                            {"tgid", task.tgid},
                            {"ppid", task.ppid},
                            {"comm", task.comm},
                            {"state", std::string(1, task.state)},
                            {"cpu", task.cpu},
                            {"task", inspect::format_address(task.address)}};
      if (view_.line.has("memory")) entry["memory"] = memory_json(task);
      tasks.push_back(std::move(entry));
    }
    return tasks;
  }

 private:
  [[nodiscard]] bool has_state(const Task& task) const {
    return !view_.line.has("state") || view_.line.get("state").find(task.state) != std::string::npos;
  }
  [[nodiscard]] bool is_shown(const Task& task) const {
    return has_state(task) && (view_.line.has("threads") || (task.pid == task.tgid && task.pid != 0));
  }

  void print(const Task& task, size_t depth) const {
    constexpr size_t kMaxDepth = 20;
    const std::string name = one_line(task.comm);
    fmt::print("{:>7} {:>7} {:>7} {} {:>4}{}  {}{}\n", task.pid, task.tgid, task.ppid, task.state, task.cpu,
               memory_columns(task), std::string(std::min(depth, kMaxDepth) * 2, ' '),
               task.kernel_thread ? fmt::format("[{}]", name) : name);
  }

  [[nodiscard]] std::string memory_heading() const {
    return view_.line.has("memory")
               ? fmt::format(" {:>10} {:>10} {:>10} {:>10}", "RSS", "ANON", "FILE", "SWAP")
               : "";
  }
  [[nodiscard]] std::string memory_columns(const Task& task) const {
    if (!view_.line.has("memory")) return "";
    const auto found = memory_.find(task.tgid);
    if (found == memory_.end() || task.mm == 0)
      return fmt::format(" {:>10} {:>10} {:>10} {:>10}", "-", "-", "-", "-");
    const ProcessMemory& memory = found->second;
    return fmt::format(" {:>10} {:>10} {:>10} {:>10}", view_.format_pages(memory.resident()),
                       view_.format_pages(memory.anonymous), view_.format_pages(memory.file + memory.shared),
                       view_.format_pages(memory.swapped));
  }
  [[nodiscard]] ordered_json memory_json(const Task& task) const {
    const auto found = memory_.find(task.tgid);
    if (found == memory_.end() || task.mm == 0) return nullptr;
    const ProcessMemory& memory = found->second;
    const PageSize page_size = view_.session.dump().page_size();
    return {{"resident", page_size.bytes(memory.resident())},
            {"anonymous", page_size.bytes(memory.anonymous)},
            {"file", page_size.bytes(memory.file)},
            {"shared", page_size.bytes(memory.shared)},
            {"swapped", page_size.bytes(memory.swapped)}};
  }

  const View& view_;
  const TaskList& list_;
  std::map<int32_t, ProcessMemory> memory_;  // by process
};

}  // namespace

Result<int> view_ps(const View& view) {
  TRY_VOID(view.expect_arguments("ps", 0, 0));
  constexpr std::string_view kStates = "RSDTtXZPI?";
  if (const auto states = view.line.get("state");
      view.line.has("state") && (states.empty() || states.find_first_not_of(kStates) != std::string::npos))
    return fail(ErrorCode::usage, "inspect ps: --state takes one or more of the letters {}, not '{}'",
                kStates, states);
  if (!view.session.tasks()) return std::unexpected(view.session.tasks().error());
  const TaskList& list = *view.session.tasks();
  for (const auto& note : list.notes) log::warning("{}", one_line(note));
  Table table(view, list);
  if (view.json()) {
    view.print(table.json());
  } else {
    table.print();
  }
  return kDone;
}

}  // namespace lifeboat::cli
