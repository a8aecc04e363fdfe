// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text.h"

#include <ranges>

namespace lifeboat {

Result<bool> parse_bool(std::string_view value) {
  for (const auto word : {"yes", "true", "on", "1"}) {
    if (value == word) return true;
  }
  for (const auto word : {"no", "false", "off", "0"}) {
    if (value == word) return false;
  }
  return fail(ErrorCode::usage, "'{}' is neither yes nor no", value);
}

Result<std::string> parse_absolute_path(std::string_view value) {
  if (!value.starts_with('/')) return fail(ErrorCode::usage, "the path '{}' does not begin with /", value);
  for (const auto part : std::views::split(value, '/')) {
    if (std::string_view(part.begin(), part.end()) == "..")
      return fail(ErrorCode::usage, "the path '{}' leads upwards", value);
  }
  return std::string(value);
}

}  // namespace lifeboat
