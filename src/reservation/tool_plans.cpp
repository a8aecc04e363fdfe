// SPDX-License-Identifier: GPL-2.0-or-later
// Tools that keep the kernel's command line themselves: parameters are added and removed by the tool alone.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "src/base/file.h"
#include "src/base/size.h"
#include "src/base/text.h"
#include "src/reservation/boot_loader.h"
#include "src/reservation/command_line_text.h"
#include "src/reservation/crashkernel_parameters.h"
#include "src/reservation/entry_files.h"
#include "src/reservation/recorded_plan.h"

namespace lifeboat::reservation {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

bool has(const Words& words, const std::string& word) {
  return std::ranges::find(words, word) != words.end();
}

// What the tool has now, and where.
struct ToolState {
  std::string where;
  Words parameters;  // crashkernel= only
};

std::string value_in_entry(std::string_view text, std::string_view key) {
  std::string joined;
  const auto lines = find_command_lines(CommandLineForm::options_lines, text, key, "");
  if (!lines) return joined;
  for (const auto& line : *lines) {
    joined += joined.empty() ? "" : " ";
    joined += trim(text.substr(line.begin, line.end - line.begin));
  }
  return joined;
}

// The entry of the deployment that boots next: ostree gives it the highest version.
ToolState ostree_state(const std::string& root) {
  ToolState state{.where = "rpm-ostree kargs", .parameters = {}};
  uint64_t highest = 0;
  for (const auto& entry : entry_files(root)) {
    if (!fs::path(entry).filename().string().starts_with("ostree-")) continue;
    const auto text = read_text(entry, 1_MiB);
    if (!text) continue;
    const uint64_t version = parse_number(value_in_entry(*text, "version")).value_or(0);
    if (version < highest) continue;
    highest = version;
    state = {.where = entry, .parameters = crashkernel_parameters(value_in_entry(*text, "options"))};
  }
  return state;
}

// {"default": ..., "user": {"kernel_options": ["quiet", ...]}}
ToolState kernelstub_state(const std::string& root) {
  ToolState state{.where = fs::path(root) / "etc/kernelstub/configuration", .parameters = {}};
  const auto text = read_text(state.where, 1_MiB);
  if (!text) return state;
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  try {
    for (const auto& option : json.at("user").at("kernel_options")) {
      for (auto& word : crashkernel_parameters(option.get<std::string>()))
        state.parameters.push_back(std::move(word));
    }
  } catch (const nlohmann::json::exception&) {
    // Not a configuration of kernelstub: it has no parameters that are known.
    state.parameters.clear();
  }
  return state;
}

ToolState state_of(BootLoader loader, const std::string& root) {
  return loader == BootLoader::ostree ? ostree_state(root) : kernelstub_state(root);
}

std::string joined(const Words& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<LoaderCommand> commands_of(BootLoader loader, const Words& remove, const Words& add) {
  std::vector<LoaderCommand> commands;
  if (loader == BootLoader::ostree) {
    LoaderCommand command = {"rpm-ostree", "kargs"};
    for (const auto& word : remove) command.push_back("--delete-if-present=" + word);
    for (const auto& word : add) command.push_back("--append-if-missing=" + word);
    commands.push_back(std::move(command));
    return commands;
  }
  if (!remove.empty()) commands.push_back({"kernelstub", "--delete-options", joined(remove)});
  if (!add.empty()) commands.push_back({"kernelstub", "--add-options", joined(add)});
  return commands;
}

}  // namespace

Result<BootLoaderPlan> plan_tool(BootLoader loader, const std::string& root, const std::string& value,
                                 bool force) {
  BootLoaderPlan plan;
  RecordedChange change = TRY(begin_change(root));
  const ToolState now = state_of(loader, root);
  const Words wanted = parameters_of(value);
  const std::string place(boot_loader_name(loader));
  Words remove, add, others;
  for (const auto& word : now.parameters) {
    const bool ours = change.before.is_ours(word);
    if (!ours) {
      others.push_back(word);
      plan.foreign.push_back({now.where, word});
    }
    if ((ours || (force && !value.empty())) && !has(wanted, word) && !has(remove, word))
      remove.push_back(word);
  }
  std::ranges::copy_if(wanted, std::back_inserter(add),
                       [&](const std::string& word) { return !has(now.parameters, word); });
  if (value.empty()) {
    // What a forced setting replaced comes back, if nobody has set another since.
    const auto replaced = change.before.replaced.find(place);
    if (others.empty() && replaced != change.before.replaced.end()) add = replaced->second;
  } else if (force && !others.empty()) {
    change.after.replaced[place] = others;
  }
  if (!remove.empty() || !add.empty()) {
    change.agrees = value.empty() ? std::nullopt : std::optional(false);
    change.commands = commands_of(loader, remove, add);
  } else {
    change.agrees = true;
  }
  // Removing is a change although no file of lifeboat's shows it.
  if (value.empty() && !change.commands.empty()) {
    for (const auto& command : change.commands) change.before.pending.push_back(shell_text(command));
  }
  if (change.commands.empty()) change.before.pending.clear();
  finish_plan(loader, value, std::move(change), plan);
  return plan;
}

std::optional<bool> tool_agrees(BootLoader loader, const std::string& root, const std::string& value) {
  const ToolState now = state_of(loader, root);
  return std::ranges::all_of(parameters_of(value),
                             [&](const std::string& word) { return has(now.parameters, word); });
}

}  // namespace lifeboat::reservation
