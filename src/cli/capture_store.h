// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat capture SOURCE --store`: a crash into this machine's store, as lifeboat-init saves it; for a
// capture kernel that runs the whole system (lifeboat-capture.service).
#pragma once

#include <string>

#include "cli/command.h"

namespace lifeboat::cli {

// Tries the configured targets that are mounted, in order. Exit code 0: the dump is whole.
Result<int> capture_into_store(const CommandLine& line, const std::string& source);

}  // namespace lifeboat::cli
