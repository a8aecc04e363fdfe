// SPDX-License-Identifier: GPL-2.0-or-later
// The keys of a [target], which may be given several times.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "src/base/error.h"
#include "src/config/config.h"

namespace lifeboat::config {

struct TargetKey {
  std::string_view name, help;
  Result<> (*set)(TargetEntry& target, std::string_view value);
  std::string (*get)(const TargetEntry& target);
};
std::span<const TargetKey> target_keys();

}  // namespace lifeboat::config
