// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/version_order.h"

#include <algorithm>

namespace lifeboat {
namespace {

// Not <cctype>: a locale must not change what boots.
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool has_meaning(char c) {
  return is_digit(c) || is_letter(c) || c == '~' || c == '-' || c == '^' || c == '.';
}

void skip_separators(std::string_view& text) {
  text.remove_prefix(std::min<size_t>(std::ranges::find_if(text, has_meaning) - text.begin(), text.size()));
}

template <typename Predicate>
std::string_view take_while(std::string_view& text, Predicate predicate) {
  const size_t size = std::ranges::find_if_not(text, predicate) - text.begin();
  const std::string_view taken = text.substr(0, size);
  text.remove_prefix(size);
  return taken;
}

// A marker on one side makes that side the older; on both, it is skipped.
std::strong_ordering compare_marker(std::string_view& a, std::string_view& b, char marker) {
  const bool in_a = a.starts_with(marker);
  const bool in_b = b.starts_with(marker);
  if (in_a != in_b) return in_a ? std::strong_ordering::less : std::strong_ordering::greater;
  if (in_a) {
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return std::strong_ordering::equal;
}

std::strong_ordering compare_numbers(std::string_view a, std::string_view b) {
  // A number is newer than none at all, be it 0.
  if (a.empty() || b.empty()) return b.empty() <=> a.empty();
  const auto zero = [](char c) { return c == '0'; };
  take_while(a, zero);
  take_while(b, zero);
  // Of any length: they need not fit into an integer.
  if (a.size() != b.size()) return a.size() <=> b.size();
  return a <=> b;
}

}  // namespace

std::strong_ordering compare_versions(std::string_view a, std::string_view b) {
  for (;;) {
    skip_separators(a);
    skip_separators(b);
    // Before the end is looked at: 1~rc1 is older than 1.
    if (const auto order = compare_marker(a, b, '~'); order != 0) return order;
    if (a.empty() || b.empty()) return b.empty() <=> a.empty();
    for (const char marker : {'-', '^', '.'}) {
      if (const auto order = compare_marker(a, b, marker); order != 0) return order;
    }
    const bool numbers = (!a.empty() && is_digit(a.front())) || (!b.empty() && is_digit(b.front()));
    const auto order = numbers ? compare_numbers(take_while(a, is_digit), take_while(b, is_digit))
                               : take_while(a, is_letter) <=> take_while(b, is_letter);
    if (order != 0) return order;
  }
}

}  // namespace lifeboat
