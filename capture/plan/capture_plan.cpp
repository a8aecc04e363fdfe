// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/plan/capture_plan.h"

#include <algorithm>
#include <set>

#include "src/base/duration.h"
#include "src/base/key_value.h"
#include "src/base/text.h"
#include "src/dump/levels.h"

namespace lifeboat {
namespace {

// A module's name becomes part of a path in the initramfs: one plain file name.
Result<std::string> parse_module(std::string_view value) {
  if (value.empty() || value == "." || value == ".." || value.find('/') != std::string_view::npos)
    return fail(ErrorCode::usage, "'{}' is not a module's file name", value);
  return std::string(value);
}

// Letters, digits and the characters of `also`, at least one: it goes to mount(2) or is compared.
Result<std::string> parse_word(std::string_view value, std::string_view also) {
  const auto allowed = [also](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           also.find(c) != std::string_view::npos;
  };
  if (value.empty() || !std::ranges::all_of(value, allowed))
    return fail(ErrorCode::usage, "'{}' is not a name", value);
  return std::string(value);
}

// "UUID FILESYSTEM PATH"; a path may hold blanks.
Result<Target> parse_target(std::string_view value) {
  const auto next_word = [&value] {
    const std::string_view word = value.substr(0, value.find(' '));
    value = trim(value.substr(word.size()));
    return word;
  };
  Target target;
  target.uuid = TRY(parse_word(next_word(), "-"));
  target.filesystem = TRY(parse_word(next_word(), "_"));
  target.path = TRY(parse_absolute_path(value));
  return target;
}

// May be there more than once.
bool is_list(std::string_view key) {
  return key == "target" || key == "module" || key == "watchdog.running" || key == "hook.before" ||
         key == "hook.after";
}

// Sets one key; `not_found` for a key that does not exist.
Result<> set_key(Manifest& manifest, std::string_view key, std::string_view value) {
  if (key == "target") {
    manifest.targets.push_back(TRY(parse_target(value)));
  } else if (key == "dump.level") {
    manifest.levels = TRY(parse_levels(value));
  } else if (key == "dump.compression") {
    const CompressionChoice choice = TRY(parse_compression_choice(value));
    manifest.compression = choice.compression;
    manifest.compression_level = choice.level;
  } else if (key == "final.action") {
    manifest.final_action = TRY(parse_final_action(value));
  } else if (key == "failure.action") {
    manifest.failure_action = TRY(parse_final_action(value));
  } else if (key == "deadline.device") {
    manifest.device_deadline = TRY(parse_duration(value));
  } else if (key == "deadline.stall") {
    manifest.stall_deadline = TRY(parse_duration(value));
  } else if (key == "deadline.total") {
    manifest.deadline = TRY(parse_duration(value));
  } else if (key == "deadline.hook") {
    manifest.hook_deadline = TRY(parse_duration(value));
  } else if (key == "report") {
    manifest.report = TRY(parse_bool(value));
  } else if (key == "watchdog") {
    manifest.watchdog = TRY(parse_bool(value));
  } else if (key == "watchdog.running") {
    if (value.empty()) return fail(ErrorCode::usage, "a watchdog without a name");
    manifest.watchdogs.emplace_back(value);
  } else if (key == "retention.keep") {
    manifest.retention.keep = TRY(parse_count(value));
  } else if (key == "retention.max_size") {
    manifest.retention.max_size = TRY(parse_amount(value));
  } else if (key == "retention.min_free") {
    manifest.retention.min_free = TRY(parse_amount(value));
  } else if (key == "hook.before") {
    manifest.hooks_before.push_back(TRY(parse_absolute_path(value)));
  } else if (key == "hook.after") {
    manifest.hooks_after.push_back(TRY(parse_absolute_path(value)));
  } else if (key == "shell") {
    manifest.shell = TRY(parse_absolute_path(value));
  } else if (key == "dump.copy_elf") {
    manifest.copy_elf = TRY(parse_bool(value));
  } else if (key == "module") {
    manifest.modules.push_back(TRY(parse_module(value)));
  } else {
    return fail(ErrorCode::not_found, "there is no key '{}'", key);
  }
  return {};
}

}  // namespace

Result<FinalAction> parse_final_action(std::string_view value) {
  if (value == "reboot") return FinalAction::reboot;
  if (value == "poweroff") return FinalAction::poweroff;
  if (value == "halt") return FinalAction::halt;
  if (value == "shell") return FinalAction::shell;
  return fail(ErrorCode::usage, "'{}' is none of reboot, poweroff, halt, shell", value);
}

std::string_view final_action_name(FinalAction action) {
  switch (action) {
    case FinalAction::reboot:
      return "reboot";
    case FinalAction::poweroff:
      return "poweroff";
    case FinalAction::halt:
      return "halt";
    case FinalAction::shell:
      return "shell";
  }
  return "reboot";
}

Result<Manifest> Manifest::parse(std::string_view text) {
  Manifest manifest;
  std::set<std::string, std::less<>> seen;
  for (const auto& [line, key, value] : TRY_CONTEXT(parse_key_values(text), "manifest")) {
    const auto where = fmt::format("manifest line {}", line);
    if (!is_list(key) && !seen.emplace(key).second)
      return fail(ErrorCode::usage, "{}: '{}' is set twice", where, key);
    if (auto set = set_key(manifest, key, value); !set)
      return std::unexpected(std::move(set).error().context(where));
  }
  if (manifest.targets.empty()) return fail(ErrorCode::usage, "manifest: 'target' is missing");
  return manifest;
}

std::string Manifest::to_text() const {
  std::string text;
  const auto add = [&text](std::string_view key, std::string_view value) {
    text += fmt::format("{} = {}\n", key, value);
  };
  const auto add_bool = [&add](std::string_view key, bool value) { add(key, value ? "yes" : "no"); };
  for (const auto& target : targets)
    add("target", fmt::format("{} {} {}", target.uuid, target.filesystem, target.path));
  add("dump.level", format_levels(levels));
  add("dump.compression", format_compression_choice({compression, compression_level}));
  add_bool("dump.copy_elf", copy_elf);
  add("final.action", final_action_name(final_action));
  add("failure.action", final_action_name(failure_action));
  add("deadline.device", format_duration(device_deadline));
  add("deadline.stall", format_duration(stall_deadline));
  add("deadline.total", format_duration(deadline));
  add("deadline.hook", format_duration(hook_deadline));
  add_bool("report", report);
  add_bool("watchdog", watchdog);
  for (const auto& identity : watchdogs) add("watchdog.running", identity);
  if (retention.keep) add("retention.keep", std::to_string(*retention.keep));
  if (retention.max_size) add("retention.max_size", format_amount(*retention.max_size));
  if (retention.min_free) add("retention.min_free", format_amount(*retention.min_free));
  for (const auto& module : modules) add("module", module);
  if (!shell.empty()) add("shell", shell);
  for (const auto& hook : hooks_before) add("hook.before", hook);
  for (const auto& hook : hooks_after) add("hook.after", hook);
  return text;
}

}  // namespace lifeboat
