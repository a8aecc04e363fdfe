// SPDX-License-Identifier: GPL-2.0-or-later
// One load or unload at a time: the checks of a second one would be out of date by the time of its call.
#pragma once

#include <chrono>

#include "loader/system_state.h"
#include "src/base/file.h"

namespace lifeboat {

// Held until the descriptor is closed, also when the process is killed. Waits at most `limit` for another
// process, which `busy` names. The lock is RUN/lifeboat/load.lock. Not valid, with a warning: RUN is not
// writable.
Result<UniqueFd> lock_loads(const SystemPaths& paths, std::chrono::milliseconds limit);

}  // namespace lifeboat
