// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/plan/values.h"

#include <algorithm>
#include <filesystem>

#include "src/base/duration.h"
#include "src/base/size.h"
#include "src/base/text.h"

namespace lifeboat::values {

Result<bool> YesNo::parse(std::string_view value) {
  return parse_bool(value);
}

std::string YesNo::show(bool value) {
  return value ? "yes" : "no";
}

Result<std::string> Path::parse(std::string_view value) {
  TRY_VOID(parse_absolute_path(value));
  // As a part of the path it would name a folder that nobody intended.
  if (value.find(" #") != std::string_view::npos || value.find(" ;") != std::string_view::npos) {
    return std::unexpected(Error(ErrorCode::usage, fmt::format("the path '{}' has a comment after it", value))
                               .hint("write the comment on a line of its own"));
  }
  // POSIX keeps two slashes in front, and libstdc++ any number where nothing follows. They mean nothing on
  // Linux.
  const size_t begin = std::min(value.find_first_not_of('/'), value.size());
  std::string path = "/" + std::filesystem::path(value.substr(begin)).lexically_normal().string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (path == "/.") path = "/";
  // Written to a file, it would be read back as another one.
  if (trim(path) != path) return fail(ErrorCode::usage, "the path '{}' ends with white space", value);
  return path;
}

Result<std::string> Name::parse(std::string_view value) {
  if (value.empty() || value.find_first_of(" \t/\"'") != std::string_view::npos)
    return fail(ErrorCode::usage, "'{}' is not a name", value);
  return std::string(value);
}

Result<std::chrono::seconds> Duration::parse(std::string_view value) {
  return parse_duration(value);
}

std::string Duration::show(std::chrono::seconds value) {
  return format_duration(value);
}

Result<unsigned> Cpus::parse(std::string_view value) {
  constexpr uint64_t kMax = 8192;
  if (value == "auto") return kAutomaticCpus;
  const auto number = parse_number(value);
  if (!number || *number == 0 || *number > kMax)
    return fail(ErrorCode::usage, "'{}' is neither auto nor a number from 1 to {}", value, kMax);
  return static_cast<unsigned>(*number);
}

std::string Cpus::show(unsigned value) {
  return value == kAutomaticCpus ? "auto" : fmt::format("{}", value);
}

std::string Count::show(unsigned value) {
  return fmt::format("{}", value);
}

}  // namespace lifeboat::values
