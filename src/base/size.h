// SPDX-License-Identifier: GPL-2.0-or-later
// Sizes as people write them: 64M, 1G. Powers of 1024, as the kernel's memparse() reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/error.h"

namespace lifeboat {

constexpr uint64_t operator""_KiB(unsigned long long n) {
  return n << 10;
}
constexpr uint64_t operator""_MiB(unsigned long long n) {
  return n << 20;
}
constexpr uint64_t operator""_GiB(unsigned long long n) {
  return n << 30;
}

// "1000", "512K", "256M", "2G", "1T" (either case). Anything else, and overflow, is a `usage` error.
Result<uint64_t> parse_size(std::string_view text);
// "38.5 MiB"
std::string format_size(uint64_t bytes);

// A whole non-negative number in `base` (16: an optional 0x), nothing around it; nullopt otherwise or on
// overflow.
std::optional<uint64_t> parse_number(std::string_view text, int base = 10);

}  // namespace lifeboat
