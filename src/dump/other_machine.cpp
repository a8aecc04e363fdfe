// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/other_machine.h"

#include <algorithm>
#include <ctime>

#include "src/base/size.h"
#include "src/dump/vmcoreinfo_line.h"

namespace lifeboat {
namespace {

// ISO 8601 in UTC. Empty beyond a year of four digits.
std::string iso_time(uint64_t seconds) {
  constexpr uint64_t kLastTime = 253402300799;  // 9999-12-31 23:59:59
  if (seconds > kLastTime) return {};
  const auto time = static_cast<time_t>(seconds);
  tm parts{};
  if (::gmtime_r(&time, &parts) == nullptr) return {};
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// What follows is printed: nothing but plain characters, and not many.
std::string plain(std::string_view text) {
  text = text.substr(0, 64);
  const auto end = std::ranges::find_if(text, [](char c) { return c <= ' ' || c > '~'; });
  return {text.begin(), end};
}

}  // namespace

Error other_machine(const DumpInfo& info, std::string_view name) {
  std::string message = fmt::format("{} is of an architecture whose memory lifeboat cannot read ({})", name,
                                    plain(info.machine));
  const std::string release =
      plain(!info.uts.release.empty() ? info.uts.release : vmcoreinfo_line(info.vmcoreinfo, "OSRELEASE="));
  if (!release.empty()) message += fmt::format("; its kernel is {}", release);
  const auto crash =
      info.timestamp ? info.timestamp : parse_number(vmcoreinfo_line(info.vmcoreinfo, "CRASHTIME="));
  const std::string time = crash ? iso_time(*crash) : "";
  if (!release.empty() && !time.empty()) message += fmt::format(", which crashed at {}", time);
  return Error(ErrorCode::unsupported, std::move(message))
      .hint("read it with crash or drgn, which support other architectures");
}

}  // namespace lifeboat
