// SPDX-License-Identifier: GPL-2.0-or-later
// Which entry of a menu a name or a number means: the value of GRUB's variable `default`, as grub-set-default
// and grub-reboot write it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::grub {

// What an entry is found by.
struct EntryName {
  std::string title;
  std::string id;  // its title, where it has no --id
};

// GRUB's versions differ: GNU GRUB takes what begins with a digit for a number ("6.1" is the seventh entry),
// that of Fedora and its relatives, whose names of entries begin with digits, looks for an id and a title
// first.
enum class DefaultRule { number_first, name_first };

struct DefaultEntry {
  std::optional<size_t> index;  // nullopt: none of the menu; GRUB takes the first one then
  // The two rules lead to different entries, and this is not the name of a number: none is right for certain.
  bool ambiguous = false;
};
// `value` may go on behind a '>' with the entry of a submenu, which counts for that menu; ">>" is a '>'.
DefaultEntry find_default(std::span<const EntryName> menu, std::string_view value, DefaultRule rule);

// What is behind the first '>' of `value`, for the submenu; nullopt: nothing.
std::optional<std::string> rest_of_default(std::string_view value);

}  // namespace lifeboat::grub
