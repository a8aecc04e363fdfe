// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/other_machine.h"

#include <algorithm>
#include <ctime>
#include <vector>

#include "src/base/size.h"
#include "src/dump/byte_source.h"

namespace lifeboat {
namespace {

// ISO 8601 in UTC. Empty for text that is not a number, and beyond a year of four digits.
std::string iso_time(std::string_view seconds) {
  constexpr uint64_t kLastTime = 253402300799;  // 9999-12-31 23:59:59
  const auto number = parse_number(seconds);
  if (!number || *number > kLastTime) return {};
  const auto time = static_cast<time_t>(*number);
  tm parts{};
  if (::gmtime_r(&time, &parts) == nullptr) return {};
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace

Error other_machine(const std::string& dump, std::string_view architecture, std::string_view release,
                    std::string_view crash_time) {
  std::string message =
      fmt::format("{} is of another architecture ({}); only x86-64 dumps are supported", dump, architecture);
  if (!release.empty()) message += fmt::format("; its kernel is {}", release);
  const std::string time = iso_time(crash_time);
  if (!release.empty() && !time.empty()) message += fmt::format(", which crashed at {}", time);
  return Error(ErrorCode::unsupported, std::move(message))
      .hint("read it with crash or drgn, which support other architectures");
}

std::string vmcoreinfo_near_start(const ByteSource& file, std::string_view key) {
  std::vector<std::byte> bytes(std::min<uint64_t>(file.size(), 256_KiB));
  if (!file.read(0, bytes)) return {};
  const std::string_view text = as_text(bytes);
  const auto at = text.find(key);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = text.substr(at + key.size());
  // What follows is printed: nothing but plain characters.
  const auto plain = std::ranges::find_if(rest.substr(0, 64), [](char c) { return c <= ' ' || c > '~'; });
  return std::string(rest.substr(0, static_cast<size_t>(plain - rest.begin())));
}

}  // namespace lifeboat
