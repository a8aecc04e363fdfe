// SPDX-License-Identifier: GPL-2.0-or-later
// One load or unload at a time: the checks of a second one would be out of date by the time of its call.
#pragma once

#include <chrono>

#include "loader/system_state.h"
#include "src/base/file.h"

namespace lifeboat {

inline constexpr const char* kLoadLock = "load.lock";

// Held until the descriptor is closed, also when the process is killed. Waits at most `limit` for another
// process, which `busy` names. The lock is the file `name` in RUN/lifeboat. Not valid, with a warning: RUN is
// not writable. load_kernel() and unload_kernel() take kLoadLock; a caller that does more than one of them
// takes another one around it.
Result<UniqueFd> lock_loads(const SystemPaths& paths, std::chrono::milliseconds limit,
                            const std::string& name = kLoadLock);

}  // namespace lifeboat
