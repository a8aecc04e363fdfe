// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat rehearse --real`: this machine is crashed, and the next boot's `lifeboat collect` says what came
// of it.
#pragma once

#include "src/cli/command.h"

namespace lifeboat::cli {

// Asks first, unless --yes. Returns only when the machine was not crashed.
Result<int> rehearse_for_real(const CommandLine& line);

}  // namespace lifeboat::cli
