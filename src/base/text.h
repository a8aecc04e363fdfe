// SPDX-License-Identifier: GPL-2.0-or-later
// Small things done to text everywhere.
#pragma once

#include <string_view>

namespace lifeboat {

// Without the white space at both ends.
constexpr std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace lifeboat
