// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/grub_value.h"

#include <algorithm>

namespace lifeboat::grub {
namespace {

// Around what is unknown. The parser refuses a file that has such characters.
constexpr char kBegin = '\x01';
constexpr char kEnd = '\x02';

// Calls `known` and `unknown` with the parts of the text, in their order.
template <typename Known, typename Unknown>
void for_each_part(std::string_view text, Known known, Unknown unknown) {
  while (!text.empty()) {
    const size_t begin = std::min(text.find(kBegin), text.size());
    known(text.substr(0, begin));
    text.remove_prefix(begin);
    if (text.empty()) return;
    const size_t end = std::min(text.find(kEnd), text.size());
    unknown(text.substr(1, end - 1));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

unsigned digit_of(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return 16;
}

}  // namespace

std::string unknown_value(std::string_view what) {
  std::string text(1, kBegin);
  // What is unknown may be described by a text that has unknown parts.
  text += shown(what);
  return text + kEnd;
}

bool names_device(std::string_view text) {
  return text.contains(kDeviceMark);
}

bool is_known(std::string_view text) {
  return !text.contains(kBegin);
}

std::string unknown_parts(std::string_view text) {
  std::string parts;
  for_each_part(
      text, [](std::string_view) {},
      [&](std::string_view part) { (parts += parts.empty() ? "" : ", ") += part; });
  return parts;
}

std::string shown(std::string_view text) {
  std::string all;
  for_each_part(text, [&](std::string_view part) { all += part; }, [&](std::string_view) { all += "..."; });
  std::erase(all, kDeviceMark);
  return all;
}

Truth truth_of(bool value) {
  return value ? Truth::yes : Truth::no;
}

Truth operator!(Truth value) {
  if (value == Truth::unknown) return value;
  return value == Truth::yes ? Truth::no : Truth::yes;
}

Truth both(Truth a, Truth b) {
  if (a == Truth::no || b == Truth::no) return Truth::no;
  return a == Truth::yes && b == Truth::yes ? Truth::yes : Truth::unknown;
}

Truth either(Truth a, Truth b) {
  return !both(!a, !b);
}

std::optional<LeadingNumber> leading_number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n\r\f\v"), text.size()));
  unsigned base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0' && digit_of(text[1]) < 8) {
    base = 8;
  }
  LeadingNumber number;
  bool found = false;
  while (!text.empty() && digit_of(text[0]) < base) {
    found = true;
    const uint64_t digit = digit_of(text[0]);
    if (number.value > (UINT64_MAX - digit) / base) {
      number.overflow = true;
    } else {
      number.value = number.value * base + digit;
    }
    text.remove_prefix(1);
  }
  if (!found) return std::nullopt;
  number.rest = text;
  return number;
}

Result<> Budget::spend(uint64_t bytes) {
  if (bytes > left_) {
    left_ = 0;
    return fail(ErrorCode::unsupported, "GRUB's configuration takes too many steps to evaluate");
  }
  left_ -= bytes;
  return {};
}

}  // namespace lifeboat::grub
