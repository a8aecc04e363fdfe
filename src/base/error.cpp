// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/error.h"

#include <cerrno>
#include <cstring>

namespace lifeboat {

Error& Error::context(std::string_view outer) & {
  message = fmt::format("{}: {}", outer, message);
  return *this;
}
Error Error::context(std::string_view outer) && {
  return std::move(this->context(outer));
}

Error& Error::hint(std::string_view step) & {
  if (fix.empty()) fix = step;
  return *this;
}
Error Error::hint(std::string_view step) && {
  return std::move(this->hint(step));
}

std::string Error::reason() const {
  return sys_errno == 0 ? message : fmt::format("{}: {}", message, strerror(sys_errno));
}

std::string Error::to_string() const {
  std::string text = reason();
  if (!fix.empty()) text += fmt::format("\n  fix: {}", fix);
  return text;
}

Error errno_error(int error_number, std::string what) {
  ErrorCode code = ErrorCode::io;
  switch (error_number) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      code = ErrorCode::not_found;
      break;
    case EPERM:
    case EACCES:
      code = ErrorCode::no_permission;
      break;
    case ENOSPC:
    case EDQUOT:
      code = ErrorCode::no_space;
      break;
    case EBUSY:
      code = ErrorCode::busy;
      break;
    case ETIMEDOUT:
      code = ErrorCode::timeout;
      break;
    default:
      break;
  }
  return {code, std::move(what), error_number};
}

std::string_view code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::io:
      return "io";
    case ErrorCode::usage:
      return "usage";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::no_permission:
      return "no_permission";
    case ErrorCode::no_space:
      return "no_space";
    case ErrorCode::busy:
      return "busy";
    case ErrorCode::timeout:
      return "timeout";
    case ErrorCode::truncated:
      return "truncated";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::not_mapped:
      return "not_mapped";
    case ErrorCode::not_present:
      return "not_present";
    case ErrorCode::excluded:
      return "excluded";
    case ErrorCode::lost:
      return "lost";
  }
  return "unknown";
}

}  // namespace lifeboat
