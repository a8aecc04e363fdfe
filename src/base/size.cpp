// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/size.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace lifeboat {

std::optional<uint64_t> parse_number(std::string_view text, int base) {
  if (base == 16 && (text.starts_with("0x") || text.starts_with("0X"))) text.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

Result<uint64_t> parse_size(std::string_view text) {
  unsigned shift = 0;
  std::string_view digits = text;
  if (!digits.empty()) {
    constexpr std::string_view kUnits = "KMGTP";
    const char last = static_cast<char>(digits.back() & ~0x20);
    if (const auto unit = kUnits.find(last); unit != std::string_view::npos) {
      shift = 10 * (static_cast<unsigned>(unit) + 1);
      digits.remove_suffix(1);
    }
  }
  const auto number = parse_number(digits);
  if (!number || *number > (std::numeric_limits<uint64_t>::max() >> shift))
    return fail(ErrorCode::usage, "'{}' is not a size; write a number with K, M, G or T, like 256M", text);
  return *number << shift;
}

std::string format_size(uint64_t bytes) {
  constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace lifeboat
