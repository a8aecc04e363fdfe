// SPDX-License-Identifier: GPL-2.0-or-later
// Small things done to text everywhere, and the values that are written alike in every file of ours.
#pragma once

#include <string>
#include <string_view>

#include "src/base/error.h"

namespace lifeboat {

// Without the white space at both ends.
constexpr std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// One line of any text of a dump, for files and pipes, as dmesg writes it: bytes that are no printable or
// space ASCII nor UTF-8 are written as \xNN; a newline becomes \x0a.
std::string escape_text(std::string_view text);

// Text of a dump, or of anything else that is not ours, for a terminal. Everything of that sort goes through
// one of these three: nothing in it can command the terminal, move its cursor, begin a line of its own, or
// change the order in which what follows is shown (bidirectional controls). What could is written as \xNN.
std::string terminal_text(std::string_view line);  // tabs stay
std::string one_line(std::string_view text);       // tabs become spaces
std::string plain_lines(std::string_view text);    // each line so; a carriage return at its end is dropped
// The same for a JSON document: such characters are written as \uNNNN, so that its contents stay as they are.
std::string terminal_json(std::string_view document);

// A word of a command that is to be pasted into a shell: in quotes only where it has to be.
std::string shell_word(std::string_view text);

// yes, no; also true, on, 1; false, off, 0. Mistakes are `usage` errors, here and below.
Result<bool> parse_bool(std::string_view value);
// A path that begins with "/" and has no "..".
Result<std::string> parse_absolute_path(std::string_view value);

}  // namespace lifeboat
