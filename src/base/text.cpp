// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/text.h"

#include <algorithm>
#include <cstdint>
#include <ranges>

namespace lifeboat {
namespace {

// The character at the start of a text.
struct Character {
  size_t length = 0;  // bytes; 0: there is no well-formed UTF-8
  char32_t code = 0;
};

Character first_character(std::string_view text) {
  const auto byte = [&](size_t index) { return static_cast<uint8_t>(text[index]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {1, first};
  const size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                        : first >= 0xe0 && first <= 0xef ? 3
                        : first >= 0xf0 && first <= 0xf4 ? 4
                                                         : 0;
  if (length == 0 || text.size() < length) return {};
  char32_t code = first & (0x7fu >> length);
  for (size_t index = 1; index < length; ++index) {
    if ((byte(index) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(index) & 0x3fu);
  }
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f) ||
      (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f))
    return {};
  return {length, code};
}

// C0, DEL and C1, which some terminals obey too.
bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

// isspace() characters except the newline are kept, as dmesg and makedumpfile do.
bool is_plain_in_a_log(char32_t code) {
  return !is_control(code) || code == '\t' || (code >= '\v' && code <= '\r');
}

// Unicode's bidirectional controls (UAX #9), and its separators of lines and paragraphs.
bool is_layout_control(char32_t code) {
  return code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

bool is_plain_on_a_terminal(char32_t code) {
  return (!is_control(code) || code == '\t') && !is_layout_control(code);
}

// All bytes that are not plain or not a character are written as \xNN.
std::string escape(std::string_view text, bool (*is_plain)(char32_t)) {
  std::string out;
  while (!text.empty()) {
    const Character first = first_character(text);
    const std::string_view bytes = text.substr(0, std::max<size_t>(first.length, 1));
    if (first.length > 0 && is_plain(first.code)) {
      out += bytes;
    } else {
      for (const char byte : bytes) out += fmt::format("\\x{:02x}", static_cast<uint8_t>(byte));
    }
    text.remove_prefix(bytes.size());
  }
  return out;
}

}  // namespace

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
      return fail(ErrorCode::usage, "the path '{}' contains '..'", value);
  }
  return std::string(value);
}

std::string escape_text(std::string_view text) {
  return escape(text, is_plain_in_a_log);
}

std::string terminal_text(std::string_view line) {
  return escape(line, is_plain_on_a_terminal);
}

std::string one_line(std::string_view text) {
  std::string line = terminal_text(text);
  std::ranges::replace(line, '\t', ' ');
  return line;
}

std::string plain_lines(std::string_view text) {
  std::string lines;
  for (const auto part : std::views::split(text, '\n')) {
    std::string_view line(part.begin(), part.end());
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines += one_line(line);
    lines += '\n';
  }
  if (!lines.empty()) lines.pop_back();
  return lines;
}

std::string terminal_json(std::string_view document) {
  std::string out;
  while (!document.empty()) {
    const Character first = first_character(document);
    const std::string_view bytes = document.substr(0, std::max<size_t>(first.length, 1));
    // Bytes below 0x20 are only the layout of the document: in its strings they are escaped already.
    if (first.code >= 0x20 && !is_plain_on_a_terminal(first.code)) {
      out += fmt::format("\\u{:04x}", static_cast<uint32_t>(first.code));
    } else {
      out += bytes;
    }
    document.remove_prefix(bytes.size());
  }
  return out;
}

std::string shell_word(std::string_view text) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/._-+=:,@%").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, plain)) return std::string(text);
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

}  // namespace lifeboat
