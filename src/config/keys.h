// SPDX-License-Identifier: GPL-2.0-or-later
// The table of all keys: how each is read into a Config, and written back.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/config/config.h"

namespace lifeboat::config {

struct Key {
  std::string_view section, name;
  Result<> (*set)(Config& config, std::string_view value);
  // One value, or one for each time that a list's key is given; none when nothing is set.
  std::vector<std::string> (*get)(const Config& config);
  // A list: each line adds one; an empty value drops what came before.
  bool list = false;
};

// [target] is not in it: a section of that name is an entry of its own (target_keys).
std::span<const Key> keys();

struct TargetKey {
  std::string_view name;
  Result<> (*set)(TargetEntry& target, std::string_view value);
  std::string (*get)(const TargetEntry& target);
};
std::span<const TargetKey> target_keys();

}  // namespace lifeboat::config
