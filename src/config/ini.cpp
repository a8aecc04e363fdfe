// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/config/ini.h"

#include <algorithm>
#include <ranges>

#include "src/base/text.h"

namespace lifeboat::config {
namespace {

// "[dump]": the name between the brackets.
Result<std::string> section_name(std::string_view line, const std::string& where) {
  if (!line.ends_with(']')) return fail(ErrorCode::usage, "{}: '{}' lacks its closing bracket", where, line);
  const auto name = trim(line.substr(1, line.size() - 2));
  if (name.empty()) return fail(ErrorCode::usage, "{}: the section has no name", where);
  return std::string(name);
}

bool has_control_character(std::string_view line) {
  return std::ranges::any_of(line, [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\t'; });
}

}  // namespace

Result<std::vector<IniSection>> parse_ini(std::string_view text, const std::string& name) {
  // Some editors write it at the start; it is invisible.
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<IniSection> sections;
  unsigned number = 0;
  for (const auto part : std::views::split(text, '\n')) {
    const std::string where = fmt::format("{}:{}", name, ++number);
    const std::string_view line = trim({part.begin(), part.end()});
    if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
    if (has_control_character(line))
      return fail(ErrorCode::usage, "{}: the line has a control character", where);
    if (line.starts_with('[')) {
      sections.push_back({TRY(section_name(line, where)), number, {}});
      continue;
    }
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
      return std::unexpected(Error(ErrorCode::usage, fmt::format("{}: '{}' has no '='", where, line))
                                 .hint("write KEY = VALUE; a comment begins with #"));
    }
    const auto key = trim(line.substr(0, equals));
    if (key.empty()) return fail(ErrorCode::usage, "{}: the value has no key", where);
    if (sections.empty()) {
      return std::unexpected(
          Error(ErrorCode::usage, fmt::format("{}: '{}' is in no section", where, key))
              .hint("put a line like [dump] before it; lifeboat.conf(5) lists the sections"));
    }
    sections.back().entries.push_back({std::string(key), std::string(trim(line.substr(equals + 1))), number});
  }
  return sections;
}

}  // namespace lifeboat::config
