// SPDX-License-Identifier: GPL-2.0-or-later
// The table of all settings: section, name, type, default, one line of help; how each is read and written. It
// serves lifeboat.conf on the host and the plan in the initramfs, so it needs nothing but the C++ library.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "capture/plan/settings.h"
#include "src/base/error.h"

namespace lifeboat {

enum class KeyKind {
  one,       // has a value always
  optional,  // an empty value means: not set
  list       // each line adds one; an empty value drops what came before
};

struct Key {
  std::string_view section, name;
  std::string_view type;  // "duration", "path", ...
  std::string_view help;
  KeyKind kind = KeyKind::one;
  bool travels = false;  // is in the plan, too
  // Mistakes are `usage` errors.
  Result<> (*set)(Settings& settings, std::string_view value) = nullptr;
  // One value, or one for each time that a list's key is given; {""}: it is not set.
  std::vector<std::string> (*get)(const Settings& settings) = nullptr;

  // Its value without any configuration, as it is written; empty: not set.
  [[nodiscard]] std::string default_value() const;
};

// In the order of the manual; those of a section are adjacent.
std::span<const Key> keys();

// nullptr: there is none.
const Key* find_key(std::string_view section, std::string_view name);

}  // namespace lifeboat
