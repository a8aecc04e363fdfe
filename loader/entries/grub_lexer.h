// SPDX-License-Identifier: GPL-2.0-or-later
// The tokens of grub.cfg, for grub_script.cpp alone.
#pragma once

#include <string_view>

#include "loader/entries/grub_script.h"

namespace lifeboat::grub {

struct Token {
  enum class Kind { word, newline, semicolon, open, close, other, end };
  Kind kind = Kind::end;
  unsigned line = 0;
  Word word = {};
  // The text of a word that has no quotes, escapes or variables: only such a word is a keyword. Of `other`:
  // the characters, which GRUB's grammar does not use (| & < >).
  std::string plain = {};
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  // `corrupt`, without the line, for an open quote or an invalid variable.
  Result<Token> next();
  [[nodiscard]] unsigned line() const { return line_; }

 private:
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  char take();
  void skip_blanks();
  Result<Token> read_word();
  Result<> read_variable(Word& word, bool quoted);
  Result<> read_double_quotes(Word& word);
  Result<> read_single_quotes(Word& word);
  void read_escape(Word& word);

  std::string_view text_;
  size_t at_ = 0;
  unsigned line_ = 1;
};

}  // namespace lifeboat::grub
