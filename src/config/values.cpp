// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/config/values.h"

#include <filesystem>

#include "src/base/duration.h"
#include "src/base/text.h"

namespace lifeboat::config {

Result<std::string> parse_path(std::string_view value) {
  TRY_VOID(parse_absolute_path(value));
  // Taken for a part of the path, it would lead to a place that nobody means.
  if (value.find(" #") != std::string_view::npos || value.find(" ;") != std::string_view::npos) {
    return std::unexpected(Error(ErrorCode::usage, fmt::format("the path '{}' has a remark behind it", value))
                               .hint("a remark stands on a line of its own"));
  }
  std::string path = std::filesystem::path(value).lexically_normal();
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
  // Written to a file, it would be read back as another one.
  if (trim(path) != path) return fail(ErrorCode::usage, "the path '{}' ends with white space", value);
  // Two slashes in front are kept by POSIX's rules, and mean nothing on Linux.
  return path.starts_with("//") ? path.substr(1) : path;
}

Result<std::string> parse_name(std::string_view value) {
  if (value.empty() || value.find_first_of(" \t/\"'") != std::string_view::npos)
    return fail(ErrorCode::usage, "'{}' is not a name", value);
  return std::string(value);
}

Result<std::string> parse_line(std::string_view value) {
  return std::string(value);
}

std::string show(const std::string& value) {
  return value;
}
std::string show(bool value) {
  return value ? "yes" : "no";
}
std::string show(unsigned value) {
  return fmt::format("{}", value);
}
std::string show(std::chrono::seconds value) {
  return format_duration(value);
}
std::string show(FinalAction value) {
  return std::string(final_action_name(value));
}
std::string show(const std::vector<int>& levels) {
  return format_levels(levels);
}
std::string show(const CompressionChoice& choice) {
  return format_compression_choice(choice);
}
std::string show(const Amount& amount) {
  return format_amount(amount);
}

}  // namespace lifeboat::config
