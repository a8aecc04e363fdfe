// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "src/base/log.h"
#include "src/base/size.h"
#include "src/cli/inspect/view.h"
#include "src/inspect/report_text.h"

namespace lifeboat::cli {
namespace {

using nlohmann::ordered_json;

class Printer {
 public:
  explicit Printer(const View& view) : view_(view) {}

  void add(const inspect::NamedStack& stack) {
    if (view_.json()) {
      document_.push_back(inspect::stack_json(stack));
      return;
    }
    const std::string task =
        stack.pid < 0 ? "task not known" : fmt::format("PID {} {}", stack.pid, stack.comm);
    const std::string title = one_line(fmt::format(
        "{}  CPU {}  {}", task, stack.cpu, stack.running ? "running" : fmt::format("state {}", stack.state)));
    std::cout << (first_ ? "" : "\n") << view_.style.heading(title) << '\n'
              << inspect::frames_text(stack.frames, SIZE_MAX, view_.style);
    if (!stack.end.empty()) std::cout << "  (" << one_line(stack.end) << ")\n";
    first_ = false;
  }
  void finish() const {
    if (view_.json()) view_.print(document_);
  }

 private:
  const View& view_;
  ordered_json document_ = ordered_json::array();
  bool first_ = true;
};

Result<uint32_t> parse_small(const std::string& text, std::string_view what) {
  const auto number = parse_number(text);
  if (!number || *number > INT32_MAX)
    return fail(ErrorCode::usage, "inspect bt: '{}' is not a {}", text, what);
  return static_cast<uint32_t>(*number);
}

Result<> print_tasks(const View& view, Printer& printer) {
  for (const auto& argument : view.arguments) {
    const auto pid = static_cast<int32_t>(TRY(parse_small(argument, "process or thread number")));
    bool found = false;
    for (const auto& task : view.session.tasks()->tasks) {
      if (task.pid != pid) continue;
      found = true;
      printer.add(TRY_CONTEXT(inspect::stack_of_task(view.session, task), "the stack of {}", pid));
    }
    if (!found) {
      return std::unexpected(Error(ErrorCode::not_found, fmt::format("there is no task {}", pid))
                                 .hint("'lifeboat inspect DUMP ps --threads' lists them"));
    }
  }
  return {};
}

}  // namespace

Result<int> view_bt(const View& view) {
  const bool all = view.line.has("all");
  const int ways = (all ? 1 : 0) + (view.line.has("cpu") ? 1 : 0) + (view.arguments.empty() ? 0 : 1);
  if (ways > 1) return fail(ErrorCode::usage, "inspect bt: -a, --cpu and PIDs exclude each other");
  Printer printer(view);
  if (all || !view.arguments.empty()) {
    if (!view.session.tasks()) return std::unexpected(view.session.tasks().error());
    for (const auto& note : view.session.tasks()->notes) log::warning("{}", one_line(note));
    if (all) {
      TRY_VOID(inspect::all_stacks(view.session, [&](const auto& stack) { printer.add(stack); }));
    } else {
      TRY_VOID(print_tasks(view, printer));
    }
  } else {
    std::optional<uint32_t> cpu = inspect::panic_cpu(view.session);
    if (view.line.has("cpu")) cpu = TRY(parse_small(view.line.get("cpu"), "CPU"));
    if (!view.session.unwinder()) return std::unexpected(view.session.unwinder().error());
    if (!cpu && view.session.live()) {
      return std::unexpected(
          Error(ErrorCode::not_found, "this kernel is running: no CPU of it panicked")
              .hint("name a task that sleeps ('bt PID'; 'ps' lists them), or see all with -a"));
    }
    if (!cpu) {
      return std::unexpected(Error(ErrorCode::not_found, "which CPU panicked is not known")
                                 .hint("name one with --cpu, or see all tasks with -a"));
    }
    printer.add(TRY(inspect::stack_of_cpu(view.session, *cpu)));
  }
  printer.finish();
  view.warn_of_debug_info();
  return kDone;
}

}  // namespace lifeboat::cli
