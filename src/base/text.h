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

// One line of any text of a dump: bytes that are no printable or space ASCII nor UTF-8 are written as \xNN; a
// newline becomes \x0a.
std::string escape_text(std::string_view text);
// Text of a dump, or of anything else that is not ours, for a terminal: nothing in it may command that, or
// begin a line of its own.
std::string one_line(std::string_view text);
// The same of a text that may have several lines: they stay lines.
std::string plain_lines(std::string_view text);
// A word of a command that is to be pasted into a shell: in quotes only where it has to be.
std::string shell_word(std::string_view text);

// yes, no; also true, on, 1; false, off, 0. Mistakes are `usage` errors, here and below.
Result<bool> parse_bool(std::string_view value);
// A path that begins with "/" and has no "..".
Result<std::string> parse_absolute_path(std::string_view value);

}  // namespace lifeboat
