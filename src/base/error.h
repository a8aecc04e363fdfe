// SPDX-License-Identifier: GPL-2.0-or-later
// Errors as values: what failed, on what, why, and what to do next.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace lifeboat {

// The classes of failure that a caller may need to distinguish. Everything else is in the message.
enum class ErrorCode {
  io,             // a system call failed; Error::sys_errno has its errno
  usage,          // the caller's request is invalid
  not_found,      // a file, device, symbol or key is not there
  no_permission,  // EPERM, EACCES, lockdown, signature
  no_space,       // the target is full
  busy,           // another process is doing it; try again
  timeout,        // a deadline passed
  truncated,      // the input ends before it should
  corrupt,        // the input contradicts itself or its format
  unsupported,    // recognised, but not supported by this program
  not_mapped,     // memory: no page table entry leads there
  not_present,    // memory: no RAM at that physical address
  excluded,       // memory: the page was left out by the filter when the dump was made
  lost,           // memory: the page should be in the dump, but was never written
};

// A failure. Built where it happens, given context on its way up, logged once at the outermost layer.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode error_code, std::string what, int system_errno = 0)
      : code(error_code), sys_errno(system_errno), message(std::move(what)) {}

  // Puts "CONTEXT: " in front: the outer operation and its subject.
  Error& context(std::string_view outer) &;
  Error context(std::string_view outer) &&;
  // What the user can do about it. The innermost hint wins: it is the most specific.
  Error& hint(std::string_view step) &;
  Error hint(std::string_view step) &&;

  // "MESSAGE: strerror"
  [[nodiscard]] std::string reason() const;
  // The same, and a line "  fix: HINT" where there is one.
  [[nodiscard]] std::string to_string() const;

  ErrorCode code;
  int sys_errno;
  std::string message;
  std::string fix;
};

// Result<T> is a T or the Error that prevented it. Functions that can fail return it; nothing throws
// across a library's border. Unwrap with TRY inside functions that return a Result themselves.
// A class of its own, since std::expected of g++ 12 may be ignored without a warning; it behaves like it.
template <typename T = void>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

// For best effort: the result changes nothing for the caller. Give the reason in a comment beside the call.
template <typename T>
constexpr void ignore_result(const Result<T>& /*result*/) {}

// An Error of `code` with a formatted message, ready to be returned from any function with a Result.
template <typename... Args>
[[nodiscard]] std::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> format,
                                          Args&&... args) {
  return std::unexpected(Error(code, fmt::format(format, std::forward<Args>(args)...)));
}

// The same for a failed system call: takes errno, so call it before anything else can change it.
// The code is derived from errno (ENOENT: not_found, ENOSPC: no_space, ...).
Error errno_error(int error_number, std::string what);
template <typename... Args>
[[nodiscard]] std::unexpected<Error> fail_errno(fmt::format_string<Args...> format, Args&&... args) {
  const int saved = errno;
  return std::unexpected(errno_error(saved, fmt::format(format, std::forward<Args>(args)...)));
}

std::string_view code_name(ErrorCode code);

}  // namespace lifeboat

// The result's name differs at each use, so that TRY can stand inside TRY.
#define LIFEBOAT_JOIN_(a, b) a##b
#define LIFEBOAT_JOIN(a, b) LIFEBOAT_JOIN_(a, b)
#define TRY_(result, expression)                         \
  ({                                                     \
    auto&& result = (expression);                        \
    if (!result) [[unlikely]]                            \
      return std::unexpected(std::move(result).error()); \
    *std::move(result);                                  \
  })
#define TRY_VOID_(result, expression)                    \
  do {                                                   \
    auto&& result = (expression);                        \
    if (!result) [[unlikely]]                            \
      return std::unexpected(std::move(result).error()); \
  } while (false)
#define TRY_CONTEXT_(result, expression, ...)                                              \
  ({                                                                                       \
    auto&& result = (expression);                                                          \
    if (!result) [[unlikely]]                                                              \
      return std::unexpected(std::move(result).error().context(fmt::format(__VA_ARGS__))); \
    *std::move(result);                                                                    \
  })

// auto x = TRY(call());   the value, or return the error to the caller.
#define TRY(expression) TRY_(LIFEBOAT_JOIN(try_result_, __COUNTER__), expression)
// The same for Result<void>, and for results whose value is not wanted.
#define TRY_VOID(expression) TRY_VOID_(LIFEBOAT_JOIN(try_result_, __COUNTER__), expression)
// TRY with context put in front of the error: TRY_CONTEXT(parse(bytes), "header of {}", path)
#define TRY_CONTEXT(expression, ...) \
  TRY_CONTEXT_(LIFEBOAT_JOIN(try_result_, __COUNTER__), expression, __VA_ARGS__)
