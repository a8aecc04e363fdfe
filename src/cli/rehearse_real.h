// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat rehearse --real`: crashes this machine; `lifeboat collect` of the next boot reports the result.
#pragma once

#include "src/cli/command.h"

namespace lifeboat::cli {

// Asks first, unless --yes. Returns only when the machine was not crashed.
Result<int> rehearse_for_real(const CommandLine& line);

}  // namespace lifeboat::cli
