// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/crashkernel.h"

#include <algorithm>
#include <limits>

#include "loader/command_line.h"
#include "src/base/bytes.h"
#include "src/base/size.h"

namespace lifeboat::reservation {
namespace {

constexpr std::string_view kName = "crashkernel=";

struct Suffix {
  std::string_view text;
  CrashKernelKind kind;
};
constexpr Suffix kSuffixes[] = {
    {",high", CrashKernelKind::high}, {",low", CrashKernelKind::low}, {",cma", CrashKernelKind::cma}};

std::unexpected<Error> mistake(std::string_view value, std::string_view why) {
  return std::unexpected(
      Error(ErrorCode::usage, fmt::format("crashkernel={}: {}", value, why)).hint(kCrashKernelFix));
}

// Parses a number at the start as the kernel's memparse() does: decimal, 0x, or octal, and a unit.
std::optional<uint64_t> take_size(std::string_view& text) {
  size_t length = 0;
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    length = 2;
  } else if (text.size() > 1 && text.starts_with('0')) {
    base = 8;
  }
  const std::string_view digits = base == 16  ? "0123456789abcdefABCDEF"
                                  : base == 8 ? "01234567"
                                              : "0123456789";
  while (length < text.size() && digits.find(text[length]) != std::string_view::npos) ++length;
  const auto number = parse_number(text.substr(0, length), base);
  if (!number) return std::nullopt;
  text.remove_prefix(length);
  unsigned shift = 0;
  constexpr std::string_view kUnits = "KMGTPE";
  if (!text.empty()) {
    if (const auto unit = kUnits.find(static_cast<char>(text.front() & ~0x20));
        unit != std::string_view::npos) {
      shift = 10 * (static_cast<unsigned>(unit) + 1);
      text.remove_prefix(1);
    }
  }
  if (*number > (std::numeric_limits<uint64_t>::max() >> shift)) return std::nullopt;
  return *number << shift;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

// Parses "2G-64G:256M" at the start.
Result<RamRange> take_range(std::string_view& text, std::string_view value) {
  RamRange range;
  const auto begin = take_size(text);
  if (!begin) return mistake(value, "a range begins with a size");
  range.begin = *begin;
  if (!take(text, '-')) return mistake(value, "a '-' is missing in a range");
  if (!text.starts_with(':')) {
    const auto end = take_size(text);
    if (!end) return mistake(value, "a range ends with a size, or is open");
    if (*end <= range.begin) return mistake(value, "a range ends before it begins");
    range.end = *end;
  }
  if (!take(text, ':')) return mistake(value, "a ':' and a size are missing after a range");
  const auto size = take_size(text);
  if (!size) return mistake(value, "the size of a range is missing");
  range.size = *size;
  return range;
}

Result<> parse_ranges(CrashKernelParameter& parameter, std::string_view& text) {
  do {
    parameter.ranges.push_back(TRY(take_range(text, parameter.text)));
  } while (take(text, ','));
  return {};
}

}  // namespace

std::string_view kind_name(CrashKernelKind kind) {
  switch (kind) {
    case CrashKernelKind::normal:
      return "normal";
    case CrashKernelKind::high:
      return "high";
    case CrashKernelKind::low:
      return "low";
    case CrashKernelKind::cma:
      return "cma";
  }
  return "normal";
}

uint64_t CrashKernelParameter::size_for(uint64_t ram, bool rounded) const {
  if (ranges.empty()) return size;
  if (rounded) ram = align_up(ram, 128_MiB);
  for (const auto& range : ranges) {
    // The kernel rejects a size that is not less than its RAM, and reserves nothing.
    if (range.size >= ram) return 0;
    if (ram >= range.begin && ram < range.end) return range.size;
  }
  return 0;
}

Result<CrashKernelParameter> parse_crashkernel(std::string_view value) {
  CrashKernelParameter parameter{.text = std::string(value)};
  std::string_view text = value;
  for (const auto& suffix : kSuffixes) {
    if (!value.ends_with(suffix.text)) continue;
    parameter.kind = suffix.kind;
    text.remove_suffix(suffix.text.size());
  }
  const bool ranges = text.find(':') != std::string_view::npos;
  if (ranges && parameter.kind != CrashKernelKind::normal)
    return mistake(value, "ranges cannot be combined with ,high ,low or ,cma");
  if (ranges) {
    TRY_VOID(parse_ranges(parameter, text));
  } else {
    const auto size = take_size(text);
    if (!size && value == "auto") {
      return mistake(value,
                     "it does not begin with a size (only the kernels of Red Hat Enterprise Linux 7 and 8 "
                     "choose one themselves)");
    }
    if (!size) return mistake(value, "it does not begin with a size");
    parameter.size = *size;
  }
  if (parameter.kind == CrashKernelKind::normal && take(text, '@')) {
    parameter.offset = take_size(text);
    if (!parameter.offset) return mistake(value, "no address after the '@'");
  }
  if (!text.empty()) return mistake(value, fmt::format("unexpected '{}' at the end", text));
  return parameter;
}

CrashKernelRequest crashkernel_request(std::string_view command_line) {
  CrashKernelRequest request;
  std::optional<CrashKernelParameter> normal, high, low;
  for (const auto& word : split_parameters(command_line)) {
    if (word == "--") break;
    if (!word.starts_with(kName)) continue;
    const auto parameter = parse_crashkernel(std::string_view(word).substr(kName.size()));
    if (!parameter) {
      request.mistakes.push_back(parameter.error().reason());
      continue;
    }
    request.parameters.push_back(*parameter);
    (parameter->kind == CrashKernelKind::normal ? normal
     : parameter->kind == CrashKernelKind::high ? high
     : parameter->kind == CrashKernelKind::low  ? low
                                                : request.cma) = *parameter;
  }
  request.main = normal ? normal : high;
  // A low part is only used together with a high one.
  if (request.main && request.main->kind == CrashKernelKind::high) request.low = low;
  return request;
}

}  // namespace lifeboat::reservation
