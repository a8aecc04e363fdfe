// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/duration.h"

#include <iterator>

#include "src/base/size.h"
#include "src/base/text.h"

namespace lifeboat {
namespace {

struct Unit {
  std::string_view name;
  uint64_t seconds;
};
// The largest first, for format_duration().
constexpr Unit kUnits[] = {{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};
constexpr uint64_t kLongest = 30 * uint64_t{86400};

}  // namespace

Result<std::chrono::seconds> parse_duration(std::string_view text) {
  const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
  const auto unit_name = trim(text.substr(digits.size()));
  uint64_t factor = unit_name.empty() ? 1 : 0;
  for (const auto& unit : kUnits) {
    if (unit_name == unit.name) factor = unit.seconds;
  }
  const auto number = parse_number(digits);
  if (!number || factor == 0 || *number == 0 || *number > kLongest / factor)
    return fail(ErrorCode::usage, "'{}' is not a time from 1 s to 30 days; write 90s, 5min, 2h or 1d", text);
  return std::chrono::seconds(*number * factor);
}

std::string format_duration(std::chrono::seconds duration) {
  const auto seconds = static_cast<uint64_t>(duration.count());
  for (const auto& unit : kUnits) {
    if (seconds != 0 && seconds % unit.seconds == 0)
      return fmt::format("{}{}", seconds / unit.seconds, unit.name);
  }
  return "0s";
}

}  // namespace lifeboat
