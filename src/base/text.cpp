// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text.h"

#include <algorithm>
#include <cstdint>
#include <ranges>

namespace lifeboat {
namespace {

// The length of the well-formed UTF-8 sequence at the start, 0 if there is none.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t index) { return static_cast<uint8_t>(text[index]); };
  const uint8_t first = byte(0);
  const size_t length = first >= 0xc2 && first <= 0xdf   ? 2
                        : first >= 0xe0 && first <= 0xef ? 3
                        : first >= 0xf0 && first <= 0xf4 ? 4
                                                         : 0;
  if (length == 0 || text.size() < length) return 0;
  for (size_t index = 1; index < length; ++index) {
    if ((byte(index) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f) ||
      (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f))
    return 0;
  // C1 control characters: some terminals obey them.
  if (first == 0xc2 && byte(1) < 0xa0) return 0;
  return length;
}

// What C calls a space, except the newline, goes through: dmesg and makedumpfile let it.
bool is_plain(uint8_t byte) {
  return (byte >= 0x20 && byte < 0x7f) || byte == '\t' || (byte >= '\v' && byte <= '\r');
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
      return fail(ErrorCode::usage, "the path '{}' leads upwards", value);
  }
  return std::string(value);
}

std::string escape_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto first = static_cast<uint8_t>(text.front());
    size_t length = 1;
    if (is_plain(first)) {
      out += text.front();
    } else if (const size_t sequence = utf8_length(text); sequence > 0) {
      out += text.substr(0, sequence);
      length = sequence;
    } else {
      out += fmt::format("\\x{:02x}", first);
    }
    text.remove_prefix(length);
  }
  return out;
}

std::string one_line(std::string_view text) {
  std::string line = escape_text(text);
  std::ranges::replace_if(line, [](char c) { return c >= 0 && c < ' '; }, ' ');
  return line;
}

std::string plain_lines(std::string_view text) {
  std::string lines;
  for (const auto part : std::views::split(text, '\n')) {
    lines += one_line({part.begin(), part.end()});
    lines += '\n';
  }
  if (!lines.empty()) lines.pop_back();
  return lines;
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
