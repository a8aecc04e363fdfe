// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/peers/views.h"

#include <nlohmann/json.hpp>

namespace lifeboat::test {
namespace {

using nlohmann::json;

std::string dump_path() {
  return rehearsal() / "vmcore";
}

json parse(const ProcessOutput& output) {
  EXPECT_EQ(output.status, 0) << output.text;
  json document = json::parse(output.text, nullptr, false);
  EXPECT_FALSE(document.is_discarded()) << output.text.substr(0, 2000);
  return document.is_discarded() ? json() : document;
}

json inspect(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"inspect", dump_path()});
  arguments.emplace_back("--json");
  return parse(run_lifeboat(arguments));
}

uint64_t number(const json& value) {
  return std::stoull(value.get<std::string>(), nullptr, 16);
}

std::vector<SeenFrame> our_frames(const json& frames) {
  std::vector<SeenFrame> seen;
  for (const auto& frame : frames) {
    SeenFrame one{.address = number(frame.at("address")), .name = {}};
    if (frame.at("symbol").is_string()) {
      one.name = frame.at("symbol");
      one.start = one.address - frame.at("offset").get<uint64_t>();
    }
    seen.push_back(std::move(one));
  }
  return seen;
}

View look_with_lifeboat() {
  View view;
  // The stacks name no task_struct, and idle tasks share their PID: the two lists are in the same order.
  const json tasks = inspect({"ps", "--threads"}), stacks = inspect({"bt", "-a"});
  EXPECT_EQ(tasks.size(), stacks.size());
  for (size_t index = 0; index < std::min(tasks.size(), stacks.size()); ++index) {
    const json &task = tasks[index], &stack = stacks[index];
    EXPECT_EQ(task.at("pid"), stack.at("pid"));
    EXPECT_EQ(task.at("comm"), stack.at("comm"));
    view.tasks[number(task.at("task"))] = {task.at("pid"), task.at("ppid"), task.at("comm"),
                                           task.at("state").get<std::string>().at(0),
                                           our_frames(stack.at("frames"))};
  }
  for (const auto& module : inspect({"mod"}))
    view.modules[module.at("name")] = {number(module.at("base")), module.at("size")};
  view.log = run_lifeboat({"inspect", dump_path(), "log"}).text;
  return view;
}

View look_with_drgn() {
  const std::string script = LIFEBOAT_SOURCE "/tests/peers/drgn_view.py";
  const json document = parse(
      run({peer_program("drgn"), "-q", "--main-symbols", "-c", dump_path(), "-s", debug_vmlinux(), script}));
  View view;
  for (const auto& task : document.value("tasks", json::array())) {
    SeenTask& seen = view.tasks[task.at("task")];
    seen = {task.at("pid"), task.at("ppid"), task.at("comm"), task.at("state").get<std::string>().at(0), {}};
    for (const auto& frame : task.at("frames"))
      seen.frames.push_back({frame.at("address"), frame.value("name", ""), frame.value("start", uint64_t{0}),
                             frame.value("size", uint64_t{0})});
  }
  for (const auto& module : document.value("modules", json::array()))
    view.modules[module.at("name")] = {module.at("base"), module.at("size")};
  view.log = document.value("log", "");
  const json types = document.value("types", json::object());
  for (const auto& [name, type] : types.items()) view.types[name] = {type.at("size"), type.at("members")};
  return view;
}

}  // namespace

std::filesystem::path debug_vmlinux() {
  return cache() / "kernels" / peer_kernel() / "vmlinux";
}

const View& lifeboat_view() {
  static const View view = look_with_lifeboat();
  return view;
}

const View& drgn_view() {
  static const View view = look_with_drgn();
  return view;
}

}  // namespace lifeboat::test
