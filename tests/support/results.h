// SPDX-License-Identifier: GPL-2.0-or-later
// Looking at results in assertions: EXPECT_EQ(code_of(open(bytes)), ErrorCode::truncated).
#pragma once

#include <optional>
#include <ostream>

#include "src/base/error.h"

namespace lifeboat {

// How gtest shows an ErrorCode.
inline void PrintTo(ErrorCode code, std::ostream* out) {
  *out << code_name(code);
}

namespace test {

// nullopt: it went well.
template <typename T>
std::optional<ErrorCode> code_of(const Result<T>& result) {
  if (result) return std::nullopt;
  return result.error().code;
}

// What to print when a result should have been good.
template <typename T>
std::string why(const Result<T>& result) {
  return result ? "no error" : result.error().to_string();
}

}  // namespace test
}  // namespace lifeboat
