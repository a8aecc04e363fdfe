// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/key_value.h"

#include <ranges>

#include "src/base/text.h"

namespace lifeboat {

Result<std::vector<KeyValue>> parse_key_values(std::string_view text) {
  std::vector<KeyValue> values;
  size_t number = 0;
  for (const auto part : std::views::split(text, '\n')) {
    ++number;
    const std::string_view line = trim({part.begin(), part.end()});
    if (line.empty() || line.starts_with('#')) continue;
    const auto equals = line.find('=');
    if (equals == std::string_view::npos)
      return fail(ErrorCode::usage, "line {}: no '=' in '{}'", number, line);
    values.push_back(
        {.line = number, .key = trim(line.substr(0, equals)), .value = trim(line.substr(equals + 1))});
  }
  return values;
}

}  // namespace lifeboat
