// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/migration/draft.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "capture/plan/keys.h"
#include "src/base/text.h"
#include "src/config/target_keys.h"

namespace lifeboat::migration {
namespace {

// Whether lifeboat.conf has the value as it is: a line ends at a newline, and is trimmed. What a terminal may
// not be shown (other control characters, what is not UTF-8) would arrive there as \xNN: another value.
Result<> check_line(std::string_view value) {
  if (trim(value) == value && value.find('\n') == std::string_view::npos && terminal_text(value) == value)
    return {};
  return fail(ErrorCode::usage,
              "its value does not fit on a line of lifeboat.conf: it has characters that are not UTF-8 or "
              "control something");
}

Result<> try_value(const Key* key, std::string_view section, std::string_view name,
                   const std::string& value) {
  if (key == nullptr) return fail(ErrorCode::unsupported, "lifeboat has no [{}] {} yet", section, name);
  TRY_VOID(check_line(value));
  Settings scratch;
  return key->set(scratch, value);
}

Result<config::TargetEntry> try_target(const config::TargetEntry& target) {
  if (!target.filesystem.empty() && target.device.empty())
    return fail(ErrorCode::usage, "its device is missing");
  config::TargetEntry checked;
  for (const auto& key : config::target_keys()) {
    const std::string value = key.get(target);
    if (value.empty()) continue;
    TRY_VOID(check_line(value));
    TRY_VOID(key.set(checked, value));
  }
  return checked;
}

// ssh://user:password@host
std::string without_password(std::string_view value) {
  const size_t scheme = value.find("://");
  const size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
  const size_t at = value.find('@', begin);
  const size_t colon = value.find(':', begin);
  if (at == std::string_view::npos || colon == std::string_view::npos || colon > at)
    return std::string(value);
  return fmt::format("{}:...{}", value.substr(0, colon), value.substr(at));
}

std::string place_of(const Setting& from) {
  return fmt::format("{}:{}", from.file, from.line);
}

}  // namespace

std::string_view fate_name(Fate fate) {
  switch (fate) {
    case Fate::taken:
      return "taken";
    case Fate::same:
      return "not needed";
    case Fate::changed:
      return "taken, but different";
    case Fate::by_hand:
      return "by hand";
    case Fate::missing:
      return "no equivalent";
  }
  return "no equivalent";
}

std::string shown_setting(const Setting& setting) {
  const auto names_password = [](std::string_view text) {
    return text.find("PASS") != std::string_view::npos;
  };
  // A line that is not understood has its whole text as its value.
  const bool secret =
      !setting.value.empty() && (names_password(setting.name) || names_password(setting.value));
  const std::string value = secret ? "(not shown)" : one_line(without_password(setting.value));
  return one_line(setting.name) + (value.empty() ? "" : " ") + value;
}

void Draft::record(const Setting& from, Fate fate, std::string key, std::string_view reason) {
  settings_.push_back({.file = from.file,
                       .line = from.line,
                       .setting = shown_setting(from),
                       .fate = fate,
                       .key = std::move(key),
                       .reason = one_line(reason)});
}

void Draft::note(const Setting& from, Fate fate, std::string_view reason) {
  record(from, fate, {}, reason);
}

bool Draft::has(std::string_view section, std::string_view key) const {
  return std::ranges::any_of(
      values_, [&](const Value& value) { return value.section == section && value.key == key; });
}

Result<> Draft::put(const Setting& from, std::string_view section, std::string_view name,
                    const std::string& value) {
  const Key* const key = find_key(section, name);
  TRY_VOID(try_value(key, section, name, value));
  Value entry{std::string(section), std::string(name), value, place_of(from), key->kind == KeyKind::list};
  if (!entry.several) {
    std::erase_if(values_, [&](const Value& other) { return other.section == section && other.key == name; });
  }
  values_.push_back(std::move(entry));
  return {};
}

void Draft::set(const Setting& from, std::string_view section, std::string_view name,
                const std::string& value, std::string_view reason) {
  if (const auto done = put(from, section, name, value); !done) {
    record(from, Fate::missing, {}, done.error().reason());
    return;
  }
  record(from, reason.empty() ? Fate::taken : Fate::changed, fmt::format("[{}] {}", section, name), reason);
}

void Draft::set_also(const Setting& from, std::string_view section, std::string_view name,
                     const std::string& value) {
  if (const auto done = put(from, section, name, value); !done) {
    record(from, Fate::missing, {}, done.error().reason());
  } else if (!settings_.empty()) {
    settings_.back().key += fmt::format(", [{}] {}", section, name);
  }
}

void Draft::add_target(const Setting& from, const config::TargetEntry& target, std::string_view reason) {
  auto checked = try_target(target);
  if (!checked) {
    record(from, Fate::missing, {}, checked.error().reason());
    return;
  }
  targets_.push_back({*std::move(checked), place_of(from)});
  record(from, reason.empty() ? Fate::taken : Fate::changed, "[target]", reason);
}

std::string Draft::to_text() const {
  std::string text;
  for (const auto& [target, from] : targets_) {
    text += fmt::format("# {}\n[target]\n", from);
    for (const auto& key : config::target_keys()) {
      if (const auto value = key.get(target); !value.empty())
        text += fmt::format("{} = {}\n", key.name, value);
    }
    text += '\n';
  }
  // In the order of the manual.
  std::string_view section;
  for (const auto& key : keys()) {
    for (const auto& value : values_) {
      if (value.section != key.section || value.key != key.name) continue;
      if (section != key.section) {
        text += fmt::format("{}[{}]\n", section.empty() ? "" : "\n", key.section);
        section = key.section;
      }
      text +=
          fmt::format("# {}\n{} ={}{}\n", value.from, value.key, value.value.empty() ? "" : " ", value.value);
    }
  }
  bool first = true;
  for (const auto& setting : settings_) {
    if (setting.fate != Fate::missing && setting.fate != Fate::by_hand) continue;
    if (std::exchange(first, false)) text += "\n# Not in this file:\n";
    text += fmt::format("# {}:{}: {}: {}: {}\n", setting.file, setting.line, setting.setting,
                        fate_name(setting.fate), setting.reason);
  }
  return text;
}

}  // namespace lifeboat::migration
