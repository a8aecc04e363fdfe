// SPDX-License-Identifier: GPL-2.0-or-later
// Helpers for text, and the values that have the same form in every file of this project.
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

// Untrusted text (of a dump, another program's file) for a terminal. All such text goes through one of these
// three: nothing in it can control the terminal, move its cursor, begin a new line, or change the order of
// the text behind it (bidirectional controls). Such characters are written as \xNN.
std::string terminal_text(std::string_view line);  // tabs stay
std::string one_line(std::string_view text);       // tabs become spaces
std::string plain_lines(std::string_view text);    // each line so; a carriage return at its end is dropped
// The same for a JSON document: such characters are written as \uNNNN, so that its contents stay as they are.
std::string terminal_json(std::string_view document);

// One word of a shell command to be copied: quoted only where necessary.
std::string shell_word(std::string_view text);

// yes, no; also true, on, 1; false, off, 0. Mistakes are `usage` errors, here and below.
Result<bool> parse_bool(std::string_view value);
// A path that begins with "/" and has no "..".
Result<std::string> parse_absolute_path(std::string_view value);

}  // namespace lifeboat
