// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat capture SOURCE --store`: a crash into this machine's store, as lifeboat-init saves it; for a
// capture kernel that runs the whole system (lifeboat-capture.service).
#pragma once

#include <string>

#include "src/cli/command.h"

namespace lifeboat::cli {

// Climbs the ladder of a capture (capture/run/attempt.h) over the configured targets that are mounted: hooks,
// deadlines, the next target. Exit code 0: the dump is whole; 1: incomplete, or failed. With --then-act it
// does not come back, and the machine ends as [final] or [failure] says.
Result<int> capture_into_store(const CommandLine& line, const std::string& source);

}  // namespace lifeboat::cli
