// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/plan/retention.h"

#include "src/base/size.h"

namespace lifeboat {
namespace {

constexpr std::string_view kNextDump = "dump";

}  // namespace

uint64_t Amount::of(uint64_t file_system_bytes) const {
  // In this order nothing overflows; only a few bytes are rounded away.
  return percent != 0 ? file_system_bytes / 100 * percent : bytes;
}

Result<Amount> parse_amount(std::string_view text) {
  if (!text.ends_with('%')) return Amount{.bytes = TRY(parse_size(text))};
  const auto percent = parse_number(text.substr(0, text.size() - 1));
  if (!percent || *percent == 0 || *percent > 100)
    return fail(ErrorCode::usage, "'{}' is not a share from 1% to 100%", text);
  return Amount{.percent = static_cast<unsigned>(*percent)};
}

Result<Amount> parse_free_space(std::string_view text) {
  if (text == kNextDump) return Amount{.next_dump = true};
  return parse_amount(text);
}

Result<unsigned> parse_count(std::string_view text) {
  constexpr uint64_t kMax = 10000;
  const auto number = parse_number(text);
  if (!number || *number == 0 || *number > kMax)
    return fail(ErrorCode::usage, "'{}' is not a number from 1 to {}", text, kMax);
  return static_cast<unsigned>(*number);
}

std::string format_amount(const Amount& amount) {
  if (amount.next_dump) return std::string(kNextDump);
  if (amount.percent != 0) return fmt::format("{}%", amount.percent);
  constexpr std::string_view kUnits = "TGMK";
  unsigned shift = 40;
  for (const char unit : kUnits) {
    if (amount.bytes != 0 && amount.bytes % (uint64_t{1} << shift) == 0)
      return fmt::format("{}{}", amount.bytes >> shift, unit);
    shift -= 10;
  }
  return fmt::format("{}", amount.bytes);
}

}  // namespace lifeboat
