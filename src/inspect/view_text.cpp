// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/view_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <ctime>

#include "src/base/size.h"

namespace lifeboat::inspect {

std::string unknown_because(const Error& error) {
  return fmt::format("not available: {}", error.message);
}

std::string format_utc(uint64_t seconds) {
  const auto time = static_cast<time_t>(seconds);
  tm parts{};
  // ISO 8601 years have four digits: a later time is printed as a number.
  if (seconds > 253402300799 || gmtime_r(&time, &parts) == nullptr)
    return fmt::format("{} s since 1970-01-01 00:00:00 UTC", seconds);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

std::string format_uptime(uint64_t nanoseconds) {
  const uint64_t seconds = nanoseconds / 1'000'000'000;
  const uint64_t days = seconds / 86400;
  const std::string clock =
      fmt::format("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
  return days == 0 ? clock : fmt::format("{}, {}", plural(days, "day"), clock);
}

std::string format_pages(uint64_t pages, PageSize page_size) {
  return format_size(page_size.bytes(std::min(pages, page_size.frame(UINT64_MAX))));
}

std::string format_address(uint64_t address) {
  return fmt::format("{:#x}", address);
}

std::string plural(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string Style::mark(std::string_view begin, std::string_view text) const {
  return coloured_ ? fmt::format("{}{}\033[0m", begin, text) : std::string(text);
}

}  // namespace lifeboat::inspect
