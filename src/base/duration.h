// SPDX-License-Identifier: GPL-2.0-or-later
// Lengths of time as people write them: 90, 90s, 5min, 2h, 1d.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "src/base/error.h"

namespace lifeboat {

// From 1 second to 30 days: a longer time is a mistake, and arithmetic on it could overflow. Without a unit:
// seconds.
Result<std::chrono::seconds> parse_duration(std::string_view text);
// In the largest unit that divides it: "90s", "5min". parse_duration() reads it back.
std::string format_duration(std::chrono::seconds duration);

}  // namespace lifeboat
