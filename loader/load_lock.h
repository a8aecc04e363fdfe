// SPDX-License-Identifier: GPL-2.0-or-later
// One load or unload at a time: the checks of a second one would be out of date by the time of its call.
#pragma once

#include <chrono>

#include "loader/system_state.h"
#include "src/base/file.h"

namespace lifeboat {

// The file RUN/lifeboat/load.lock, locked until this object ends, also when the process is killed.
struct LoadLock {
  UniqueFd file;  // not valid: RUN is not writable, nothing is locked
};

// Waits at most `limit` for another process, which `busy` names. Without a writable RUN it warns, and locks
// nothing.
Result<LoadLock> lock_loads(const SystemPaths& paths, std::chrono::milliseconds limit);

}  // namespace lifeboat
