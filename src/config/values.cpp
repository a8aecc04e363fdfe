// SPDX-License-Identifier: GPL-2.0-or-later
#include "config/values.h"

#include <algorithm>
#include <filesystem>
#include <ranges>

#include "base/duration.h"
#include "base/size.h"

namespace lifeboat::config {

Result<bool> parse_bool(std::string_view value) {
  for (const auto word : {"yes", "true", "on", "1"}) {
    if (value == word) return true;
  }
  for (const auto word : {"no", "false", "off", "0"}) {
    if (value == word) return false;
  }
  return fail(ErrorCode::usage, "'{}' is neither yes nor no", value);
}

Result<std::string> parse_path(std::string_view value) {
  if (!value.starts_with('/')) return fail(ErrorCode::usage, "the path '{}' does not begin with /", value);
  for (const auto part : std::views::split(value, '/')) {
    if (std::string_view(part.begin(), part.end()) == "..")
      return fail(ErrorCode::usage, "the path '{}' leads upwards", value);
  }
  // Taken for a part of the path, it would lead to a place that nobody means.
  if (value.find(" #") != std::string_view::npos || value.find(" ;") != std::string_view::npos) {
    return std::unexpected(Error(ErrorCode::usage, fmt::format("the path '{}' has a remark behind it", value))
                               .hint("a remark stands on a line of its own"));
  }
  std::string path = std::filesystem::path(value).lexically_normal();
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
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
