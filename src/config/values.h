// SPDX-License-Identifier: GPL-2.0-or-later
// How each type of value is written in the configuration: parse_* reads it, show() writes it back.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "capture/plan/capture_plan.h"
#include "capture/plan/retention.h"
#include "src/base/error.h"
#include "src/dump/levels.h"

namespace lifeboat::config {

// parse_bool() is base/text.h's.
// An absolute path in its plain form, without a remark behind it.
Result<std::string> parse_path(std::string_view value);
// A word of a command line or the name of a module: no white space, slash or quote.
Result<std::string> parse_name(std::string_view value);
// One line of anything.
Result<std::string> parse_line(std::string_view value);

std::string show(const std::string& value);
std::string show(bool value);
std::string show(unsigned value);
std::string show(std::chrono::seconds value);
std::string show(FinalAction value);
std::string show(const std::vector<int>& levels);
std::string show(const CompressionChoice& choice);
std::string show(const Amount& amount);

}  // namespace lifeboat::config
