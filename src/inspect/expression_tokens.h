// SPDX-License-Identifier: GPL-2.0-or-later
// The tokens of an expression.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "src/base/error.h"

namespace lifeboat::inspect {

enum class TokenKind { name, number, symbol, end };

struct Token {
  TokenKind kind = TokenKind::end;
  std::string_view text;  // within the expression
  size_t offset = 0;      // of the token in the expression
  uint64_t number = 0;
};

// Ends with a token of the kind `end`. `usage` for characters that no expression has and numbers above 64
// bits.
Result<std::vector<Token>> split_tokens(std::string_view text);

// Words that begin a type and nothing else: "struct", "unsigned", "const".
bool is_type_word(std::string_view word);

}  // namespace lifeboat::inspect
