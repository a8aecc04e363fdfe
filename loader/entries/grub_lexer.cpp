// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/grub_lexer.h"

#include <algorithm>
#include <cctype>

namespace lifeboat::grub {
namespace {

bool is_name_start(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

// "$?", "$#", "$*" and "$@".
bool is_special(char c) {
  return c == '?' || c == '#' || c == '*' || c == '@';
}

bool ends_word(char c) {
  return std::string_view("{}|&;<> \t\n").contains(c);
}

void add_text(Word& word, std::string_view text, bool quoted) {
  if (word.empty() || word.back().kind != WordPart::Kind::text || word.back().quoted != quoted)
    word.push_back({.kind = WordPart::Kind::text, .quoted = quoted, .text = {}});
  word.back().text += text;
}

}  // namespace

char Lexer::take() {
  const char c = text_[at_++];
  if (c == '\n') ++line_;
  return c;
}

void Lexer::skip_blanks() {
  while (!at_end()) {
    if (peek() == ' ' || peek() == '\t') {
      take();
    } else if (peek() == '\\' && peek(1) == '\n') {
      take();
      take();
    } else if (peek() == '#') {
      while (!at_end() && peek() != '\n') take();
    } else {
      return;
    }
  }
}

Result<Token> Lexer::next() {
  skip_blanks();
  Token token{.kind = Token::Kind::end, .line = line_};
  if (at_end()) return token;
  const char c = peek();
  if (!ends_word(c)) return read_word();
  take();
  switch (c) {
    case '\n':
      token.kind = Token::Kind::newline;
      break;
    case ';':
      token.kind = Token::Kind::semicolon;
      break;
    case '{':
      token.kind = Token::Kind::open;
      break;
    case '}':
      token.kind = Token::Kind::close;
      break;
    default:
      token.kind = Token::Kind::other;
      token.plain = c;
  }
  return token;
}

Result<Token> Lexer::read_word() {
  Token token{.kind = Token::Kind::word, .line = line_};
  bool plain = true;
  while (!at_end() && !ends_word(peek())) {
    const char c = peek();
    if (c == '\\') {
      read_escape(token.word);
    } else if (c == '\'') {
      TRY_VOID(read_single_quotes(token.word));
    } else if (c == '"' || (c == '$' && peek(1) == '"')) {
      // $"..." is translated; a translation changes no name.
      if (c == '$') take();
      TRY_VOID(read_double_quotes(token.word));
    } else if (c == '$') {
      TRY_VOID(read_variable(token.word, false));
    } else {
      add_text(token.word, std::string(1, take()), false);
      token.plain += c;
      continue;
    }
    plain = false;
  }
  if (!plain) token.plain.clear();
  return token;
}

void Lexer::read_escape(Word& word) {
  take();
  if (at_end()) return;
  // "\x20" stays as it is, here and on the command line of the kernel.
  if (peek() == 'x' && is_hex(peek(1)) && is_hex(peek(2))) return add_text(word, "\\", true);
  const char c = take();
  if (c != '\n') add_text(word, std::string(1, c), true);
}

Result<> Lexer::read_single_quotes(Word& word) {
  take();
  std::string text;
  while (!at_end() && peek() != '\'') text += take();
  if (at_end()) return fail(ErrorCode::corrupt, "a ' is not closed");
  take();
  add_text(word, text, true);
  return {};
}

Result<> Lexer::read_double_quotes(Word& word) {
  take();
  add_text(word, "", true);  // "" is a word, too
  while (!at_end() && peek() != '"') {
    if (peek() == '$') {
      TRY_VOID(read_variable(word, true));
    } else if (peek() == '\\' && std::string_view("$\\\"\n").contains(peek(1)) && peek(1) != '\0') {
      take();
      const char c = take();
      if (c != '\n') add_text(word, std::string(1, c), true);
    } else {
      add_text(word, std::string(1, take()), true);
    }
  }
  if (at_end()) return fail(ErrorCode::corrupt, "a \" is not closed");
  take();
  return {};
}

Result<> Lexer::read_variable(Word& word, bool quoted) {
  take();
  const bool braces = peek() == '{';
  if (braces) take();
  std::string name;
  if (is_special(peek())) {
    name = take();
  } else if (is_digit(peek())) {
    while (is_digit(peek())) name += take();
  } else if (is_name_start(peek())) {
    while (is_name(peek())) name += take();
  }
  if (name.empty() || (braces && peek() != '}'))
    return fail(ErrorCode::corrupt, "a $ is not followed by the name of a variable");
  if (braces) take();
  word.push_back({.kind = WordPart::Kind::variable, .quoted = quoted, .text = std::move(name)});
  return {};
}

}  // namespace lifeboat::grub
