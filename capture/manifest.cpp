// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/manifest.h"

#include <algorithm>
#include <ranges>
#include <set>

#include "base/size.h"
#include "capture/levels.h"

namespace lifeboat {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

Result<bool> parse_bool(std::string_view value) {
  if (value == "yes") return true;
  if (value == "no") return false;
  return fail(ErrorCode::usage, "'{}' is neither yes nor no", value);
}

Result<std::chrono::seconds> parse_seconds(std::string_view value) {
  // A day: anything longer is a mistake, and the arithmetic on it must not overflow.
  constexpr uint64_t kLongest = 86400;
  const auto number = parse_number(value);
  if (!number || *number == 0 || *number > kLongest)
    return fail(ErrorCode::usage, "'{}' is not a number of seconds from 1 to {}", value, kLongest);
  return std::chrono::seconds(*number);
}

std::string_view final_action_name(FinalAction action) {
  switch (action) {
    case FinalAction::reboot:
      return "reboot";
    case FinalAction::poweroff:
      return "poweroff";
    case FinalAction::halt:
      return "halt";
  }
  return "reboot";
}

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

// A folder or file below the target's root. The store walks it component by component.
Result<std::string> parse_target_path(std::string_view value) {
  if (!value.starts_with('/')) return fail(ErrorCode::usage, "the path '{}' does not begin with /", value);
  for (const auto part : std::views::split(value, '/')) {
    if (std::string_view(part.begin(), part.end()) == "..")
      return fail(ErrorCode::usage, "the path '{}' leads upwards", value);
  }
  return std::string(value);
}

RehearsalGuest& rehearsal_of(Manifest& manifest) {
  if (!manifest.rehearsal) manifest.rehearsal.emplace();
  return *manifest.rehearsal;
}

// Sets one key; `not_found` for a key that does not exist.
Result<> set_key(Manifest& manifest, std::string_view key, std::string_view value) {
  if (key == "target.uuid") {
    manifest.target.uuid = TRY(parse_word(value, "-"));
  } else if (key == "target.filesystem") {
    manifest.target.filesystem = TRY(parse_word(value, "_"));
  } else if (key == "target.path") {
    manifest.target.path = TRY(parse_target_path(value));
  } else if (key == "dump.level") {
    manifest.levels = TRY(parse_levels(value));
  } else if (key == "dump.compression") {
    const CompressionChoice choice = TRY(parse_compression_choice(value));
    manifest.compression = choice.compression;
    manifest.compression_level = choice.level;
  } else if (key == "final.action") {
    manifest.final_action = TRY(parse_final_action(value));
  } else if (key == "deadline.device") {
    manifest.device_deadline = TRY(parse_seconds(value));
  } else if (key == "deadline.stall") {
    manifest.stall_deadline = TRY(parse_seconds(value));
  } else if (key == "dump.copy_elf") {
    manifest.copy_elf = TRY(parse_bool(value));
  } else if (key == "module") {
    manifest.modules.push_back(TRY(parse_module(value)));
  } else if (key == "rehearsal.kernel") {
    rehearsal_of(manifest).kernel = TRY(parse_target_path(value));
  } else if (key == "rehearsal.initramfs") {
    rehearsal_of(manifest).initramfs = TRY(parse_target_path(value));
  } else if (key == "rehearsal.command_line") {
    rehearsal_of(manifest).command_line = value;
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
  return fail(ErrorCode::usage, "'{}' is none of reboot, poweroff, halt", value);
}

Result<Manifest> Manifest::parse(std::string_view text) {
  Manifest manifest;
  std::set<std::string, std::less<>> seen;
  size_t line_number = 0;
  for (const auto part : std::views::split(text, '\n')) {
    ++line_number;
    const std::string_view line = trim({part.begin(), part.end()});
    if (line.empty() || line.starts_with('#')) continue;
    const auto where = [&] { return fmt::format("manifest line {}", line_number); };
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return fail(ErrorCode::usage, "{}: no '=' in '{}'", where(), line);
    const std::string_view key = trim(line.substr(0, equals));
    if (key != "module" && !seen.emplace(key).second)
      return fail(ErrorCode::usage, "{}: '{}' is set twice", where(), key);
    if (auto set = set_key(manifest, key, trim(line.substr(equals + 1))); !set)
      return std::unexpected(std::move(set).error().context(where()));
  }
  for (const char* key : {"target.uuid", "target.filesystem", "target.path"}) {
    if (!seen.contains(key)) return fail(ErrorCode::usage, "manifest: '{}' is missing", key);
  }
  if (manifest.rehearsal && (manifest.rehearsal->kernel.empty() || manifest.rehearsal->initramfs.empty()))
    return fail(ErrorCode::usage, "manifest: a rehearsal needs both its kernel and its initramfs");
  return manifest;
}

std::string Manifest::to_text() const {
  std::string text;
  const auto add = [&text](std::string_view key, std::string_view value) {
    text += fmt::format("{} = {}\n", key, value);
  };
  add("target.uuid", target.uuid);
  add("target.filesystem", target.filesystem);
  add("target.path", target.path);
  add("dump.level", format_levels(levels));
  add("dump.compression", format_compression_choice({compression, compression_level}));
  add("dump.copy_elf", copy_elf ? "yes" : "no");
  add("final.action", final_action_name(final_action));
  add("deadline.device", fmt::format("{}", device_deadline.count()));
  add("deadline.stall", fmt::format("{}", stall_deadline.count()));
  for (const auto& module : modules) add("module", module);
  if (rehearsal) {
    add("rehearsal.kernel", rehearsal->kernel);
    add("rehearsal.initramfs", rehearsal->initramfs);
    add("rehearsal.command_line", rehearsal->command_line);
  }
  return text;
}

}  // namespace lifeboat
