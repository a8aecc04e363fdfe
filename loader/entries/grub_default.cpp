// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/entries/grub_default.h"

#include <algorithm>

#include "loader/entries/grub_value.h"

namespace lifeboat::grub {
namespace {

constexpr std::string_view kSpace = " \t\n\r\f\v";

// Where the first part of `value` ends: at a '>' that is not doubled.
size_t end_of_part(std::string_view value) {
  for (size_t at = 0; at < value.size(); ++at) {
    if (value[at] != '>') continue;
    if (at + 1 >= value.size() || value[at + 1] != '>') return at;
    ++at;
  }
  return value.size();
}

std::string first_part(std::string_view value) {
  std::string part;
  const std::string_view text = value.substr(0, end_of_part(value));
  for (size_t at = 0; at < text.size(); ++at) {
    part += text[at];
    if (text[at] == '>') ++at;
  }
  return part;
}

std::optional<size_t> by_text(std::span<const EntryName> menu, const std::string& text, bool ids,
                              bool titles) {
  for (size_t i = 0; i < menu.size(); ++i)
    if ((ids && menu[i].id == text) || (titles && menu[i].title == text)) return i;
  return std::nullopt;
}

std::optional<size_t> in_menu(std::span<const EntryName> menu, const std::optional<LeadingNumber>& number) {
  if (!number || number->overflow || number->value >= menu.size()) return std::nullopt;
  return static_cast<size_t>(number->value);
}

std::optional<size_t> number_first(std::span<const EntryName> menu, std::string_view value) {
  const auto number = leading_number(value);
  return number ? in_menu(menu, number) : by_text(menu, first_part(value), true, true);
}

std::optional<size_t> name_first(std::span<const EntryName> menu, std::string_view value) {
  const std::string part = first_part(value);
  const std::string word = part.substr(0, part.find_first_of(kSpace));
  if (const auto found = by_text(menu, word, true, false)) {
    // An id is one word: what follows it makes the whole value invalid.
    return word.size() == part.size() ? found : std::nullopt;
  }
  if (const auto found = by_text(menu, part, false, true)) return found;
  const auto number = leading_number(value);
  return number && number->rest.empty() ? in_menu(menu, number) : std::nullopt;
}

}  // namespace

DefaultEntry find_default(std::span<const EntryName> menu, std::string_view value, DefaultRule rule) {
  if (value.empty()) return {};
  if (rule == DefaultRule::name_first) return {.index = name_first(menu, value)};
  DefaultEntry found{.index = number_first(menu, value)};
  const auto number = leading_number(value);
  const bool plain = !number || number->rest.empty() || number->rest.starts_with('>');
  if (!plain) {
    const auto named = by_text(menu, first_part(value), true, true);
    found.ambiguous = named && named != found.index;
  }
  return found;
}

std::optional<std::string> rest_of_default(std::string_view value) {
  const size_t end = end_of_part(value);
  if (end + 1 >= value.size()) return std::nullopt;
  return std::string(value.substr(end + 1));
}

}  // namespace lifeboat::grub
