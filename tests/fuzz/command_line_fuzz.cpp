// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>

#include "loader/command_line.h"

namespace {

bool contains(const std::vector<std::string>& parameters, const std::string& wanted) {
  return std::ranges::find(parameters, wanted) != parameters.end();
}

}  // namespace

// The input is the reused line, and behind its first newline what the user appends.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t newline = std::min(text.find('\n'), text.size());
  const CommandLineParts parts{.reused = text.substr(0, newline), .append = text.substr(newline)};

  // Whatever is reused cannot hide what was added: nothing falls into a quote or behind the kernel's "--".
  const auto crash = split_parameters(crash_command_line(parts));
  const auto append = split_parameters(parts.append);
  const auto end = std::ranges::find(crash, "--");
  const std::vector<std::string> to_kernel(crash.begin(), end);
  for (const auto& rule : parameters_for_capture()) {
    const bool given = std::ranges::any_of(
        append, [&](const auto& p) { return parameter_name(p) == parameter_name(rule.name); });
    if (!given && !contains(to_kernel, std::string(rule.name))) __builtin_trap();
  }
  for (const auto& parameter : append) {
    // "--" with nothing behind it says nothing, and is left out.
    if (parameter != "--" && !contains(crash, parameter)) __builtin_trap();
  }
  // Joining and splitting is stable.
  const std::string again = normal_command_line(parts);
  if (normal_command_line({.append = again}) != again) __builtin_trap();
  // A line that is reused with the same addition never grows, and the addition stands at its end.
  if (normal_command_line({.reused = again, .append = parts.append}).size() > again.size()) __builtin_trap();
  for (const auto& parameter : append) {
    if (parameter != "--" && !contains(split_parameters(again), parameter)) __builtin_trap();
  }
  return 0;
}
