// SPDX-License-Identifier: GPL-2.0-or-later
// Small things done to text everywhere, and the values that are written alike in every file of ours.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace lifeboat {

// Without the white space at both ends.
constexpr std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// yes, no; also true, on, 1; false, off, 0. Mistakes are `usage` errors, here and below.
Result<bool> parse_bool(std::string_view value);
// A path that begins with "/" and has no "..".
Result<std::string> parse_absolute_path(std::string_view value);

}  // namespace lifeboat
