// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/expression_tokens.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace lifeboat::inspect {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

// Decimal or, after 0x, hexadecimal; C's suffixes may follow. No octal: a leading 0 is more often a mistake.
Result<uint64_t> parse_number(std::string_view word) {
  const std::string_view whole = word;
  const bool is_hex = word.starts_with("0x") || word.starts_with("0X");
  if (is_hex) word.remove_prefix(2);
  while (!word.empty() &&
         (word.back() == 'u' || word.back() == 'U' || word.back() == 'l' || word.back() == 'L'))
    word.remove_suffix(1);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, is_hex ? 16 : 10);
  if (error == std::errc::result_out_of_range)
    return fail(ErrorCode::usage, "'{}' is larger than 64 bits", whole);
  if (error != std::errc() || end != word.data() + word.size())
    return std::unexpected(Error(ErrorCode::usage, fmt::format("'{}' is not a number", whole))
                               .hint("write hexadecimal numbers with 0x"));
  return value;
}

}  // namespace

Result<std::vector<Token>> split_tokens(std::string_view text) {
  std::vector<Token> tokens;
  for (size_t at = 0; at < text.size();) {
    Token token;
    token.offset = at;
    size_t length = 1;
    if (is_word_char(text[at])) {
      while (at + length < text.size() && is_word_char(text[at + length])) ++length;
      token.kind = is_digit(text[at]) ? TokenKind::number : TokenKind::name;
      if (token.kind == TokenKind::number)
        token.number = TRY_CONTEXT(parse_number(text.substr(at, length)), "'{}', column {}", text, at + 1);
    } else if (text.substr(at, 2) == "->") {
      token.kind = TokenKind::symbol;
      length = 2;
    } else if (std::string_view("().[]*&+-~,").find(text[at]) != std::string_view::npos) {
      token.kind = TokenKind::symbol;
    } else if (text[at] != ' ' && text[at] != '\t') {
      return fail(ErrorCode::usage, "'{}', column {}: '{}' is not part of any expression", text, at + 1,
                  text.substr(at, 1));
    }
    token.text = text.substr(at, length);
    if (token.kind != TokenKind::end) tokens.push_back(token);
    at += length;
  }
  tokens.push_back({TokenKind::end, {}, text.size()});
  return tokens;
}

bool is_type_word(std::string_view word) {
  static constexpr std::string_view kWords[] = {"struct", "union", "enum",  "const", "volatile", "unsigned",
                                                "signed", "long",  "short", "int",   "char",     "void",
                                                "bool",   "_Bool", "float", "double"};
  return std::ranges::find(kWords, word) != std::end(kWords);
}

}  // namespace lifeboat::inspect
