// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/log_records.h"

#include <algorithm>
#include <array>
#include <ranges>

namespace lifeboat::inspect {
namespace {

// include/linux/kern_levels.h; the names that dmesg knows.
constexpr std::array<std::string_view, 8> kLevels = {"emerg", "alert",  "crit", "err",
                                                     "warn",  "notice", "info", "debug"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::optional<uint8_t> parse_level(std::string_view name) {
  for (size_t level = 0; level < kLevels.size(); ++level) {
    if (name == kLevels[level] || (name.size() == 1 && name[0] == static_cast<char>('0' + level)))
      return static_cast<uint8_t>(level);
  }
  return std::nullopt;
}

}  // namespace

bool LogFilter::accepts(const LogRecord& record) const {
  if ((levels >> (record.level & 7) & 1) == 0) return false;
  return text.empty() || !std::ranges::search(record.text, text, {}, lower, lower).empty();
}

Result<uint8_t> parse_levels(std::string_view text) {
  if (text.empty()) return fail(ErrorCode::usage, "no log level is given");
  uint8_t levels = 0;
  const bool single = text.find(',') == std::string_view::npos;
  for (const auto part : std::views::split(text, ',')) {
    const std::string_view name(part.begin(), part.end());
    const auto level = parse_level(name);
    if (!level) {
      return std::unexpected(Error(ErrorCode::usage, fmt::format("there is no log level '{}'", name))
                                 .hint("the levels are: emerg, alert, crit, err, warn, notice, info, debug"));
    }
    levels |= single ? static_cast<uint8_t>((2u << *level) - 1) : static_cast<uint8_t>(1u << *level);
  }
  return levels;
}

std::string_view level_name(uint8_t level) {
  return kLevels[level & 7];
}

double WallClock::time_of(const LogRecord& record) const {
  return boot + static_cast<double>(record.nanoseconds) / 1e9;
}

Result<uint64_t> crash_time(const Session& session) {
  if (session.live()) return fail(ErrorCode::not_found, "the kernel is running: it did not crash");
  if (session.kernel()) {
    if (const auto time = session.kernel()->vmcoreinfo().crash_time()) return *time;
  }
  if (const auto time = session.dump().info().timestamp) return *time;
  if (!session.kernel()) return std::unexpected(session.kernel().error());
  return fail(ErrorCode::not_found,
              "VMCOREINFO has no CRASHTIME: the machine did not crash, or did not record when");
}

Result<WallClock> wall_clock(const Session& session) {
  const DumpInfo& info = session.dump().info();
  if (info.timestamp && info.uptime_nanoseconds) {
    return WallClock{static_cast<double>(*info.timestamp) -
                     static_cast<double>(*info.uptime_nanoseconds) / 1e9};
  }
  const uint64_t end = TRY(crash_time(session));
  if (!session.log()) return std::unexpected(session.log().error());
  uint64_t last = 0;
  for (const auto& record : session.log()->records) last = std::max(last, record.nanoseconds);
  return WallClock{static_cast<double>(end) - static_cast<double>(last) / 1e9};
}

}  // namespace lifeboat::inspect
