// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;
using testing::HasSubstr;

TEST(Error, ContextGoesInFrontAndTheCodeStays) {
  Error error(ErrorCode::corrupt, "bad size");
  error.context("header").context("file x");
  EXPECT_EQ(error.message, "file x: header: bad size");
  EXPECT_EQ(error.code, ErrorCode::corrupt);
}

TEST(Error, InnermostHintWins) {
  const Error error = Error(ErrorCode::io, "x").hint("inner").hint("outer");
  EXPECT_EQ(error.fix, "inner");
}

TEST(Error, TextHasMessageReasonAndFix) {
  const std::string text = errno_error(ENOSPC, "cannot write vmcore").hint("free some space").to_string();
  EXPECT_THAT(text, HasSubstr("cannot write vmcore: No space left on device"));
  EXPECT_THAT(text, HasSubstr("fix: free some space"));
  EXPECT_EQ(Error(ErrorCode::io, "plain").to_string(), "plain");
}

struct ErrnoCase {
  int number;
  ErrorCode code;
};
class ErrnoCodes : public testing::TestWithParam<ErrnoCase> {};

TEST_P(ErrnoCodes, AreDistinct) {
  const auto& [number, code] = GetParam();
  const Error error = errno_error(number, "what");
  EXPECT_EQ(error.code, code);
  EXPECT_EQ(error.sys_errno, number);
}

INSTANTIATE_TEST_SUITE_P(
    All, ErrnoCodes,
    testing::Values(ErrnoCase{ENOENT, ErrorCode::not_found}, ErrnoCase{ENODEV, ErrorCode::not_found},
                    ErrnoCase{ENXIO, ErrorCode::not_found}, ErrnoCase{EPERM, ErrorCode::no_permission},
                    ErrnoCase{EACCES, ErrorCode::no_permission}, ErrnoCase{ENOSPC, ErrorCode::no_space},
                    ErrnoCase{EDQUOT, ErrorCode::no_space}, ErrnoCase{EBUSY, ErrorCode::busy},
                    ErrnoCase{ETIMEDOUT, ErrorCode::timeout}, ErrnoCase{EIO, ErrorCode::io}));

TEST(Error, FailErrnoTakesErrnoBeforeFormattingCanChangeIt) {
  errno = ENOSPC;
  const Result<> failed = fail_errno("cannot write {}", "x");
  EXPECT_EQ(failed.error().sys_errno, ENOSPC);
  EXPECT_EQ(code_of(failed), ErrorCode::no_space);
}

Result<int> half(int number) {
  if (number % 2 != 0) return fail(ErrorCode::usage, "{} is odd", number);
  return number / 2;
}
Result<int> quarter(int number) {
  return TRY(half(TRY(half(number))));
}
Result<> check(int number, bool& reached) {
  TRY_VOID(half(number));
  reached = true;
  return {};
}
Result<int> half_of(int number) {
  return TRY_CONTEXT(half(number), "number {}", number);
}

TEST(Try, UnwrapsOrReturnsTheError) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_EQ(code_of(quarter(6)), ErrorCode::usage);
  EXPECT_EQ(quarter(6).error().message, "3 is odd");
  bool reached = false;
  EXPECT_EQ(code_of(check(3, reached)), ErrorCode::usage);
  EXPECT_FALSE(reached);
  EXPECT_EQ(code_of(check(4, reached)), std::nullopt);
  EXPECT_TRUE(reached);
  EXPECT_EQ(half_of(5).error().message, "number 5: 5 is odd");
}

TEST(Error, EveryCodeHasItsOwnName) {
  std::vector<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::lost); ++code) {
    const auto name = code_name(static_cast<ErrorCode>(code));
    EXPECT_NE(name, "unknown");
    EXPECT_THAT(names, testing::Not(testing::Contains(name)));
    names.push_back(name);
  }
}

}  // namespace
}  // namespace lifeboat
