// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat capture SOURCE --store`: saves a crash into this machine's store, as lifeboat-init does; for a
// capture kernel that boots the installed system (lifeboat-capture.service).
#pragma once

#include <string>

#include "src/cli/command.h"

namespace lifeboat::cli {

// Makes capture attempts (capture/run/attempt.h) on the configured targets that are mounted, with hooks,
// deadlines and fallback targets. Exit code 0: the dump is whole; 1: incomplete, or failed. With --then-act
// it does not return: it takes the [final] or [failure] action.
Result<int> capture_into_store(const CommandLine& line, const std::string& source);

}  // namespace lifeboat::cli
