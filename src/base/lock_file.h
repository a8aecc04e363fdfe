// SPDX-License-Identifier: GPL-2.0-or-later
// One process at a time, by a file that it holds locked (flock(2)).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "src/base/file.h"

namespace lifeboat {

// Locks the file `name` in an open folder, creates it (0600) if it is missing, and waits at most `limit` for
// the process that holds it. The lock lasts until the descriptor is closed, here and in the processes forked
// meanwhile; the kernel releases it however they end, so it is never stale. The process id in the file is for
// messages only. `busy`: "another lifeboat (process 123) is DOING"; no_permission, io...: the file cannot be
// created or locked.
Result<UniqueFd> lock_file(int dir_fd, const std::string& name, std::string_view doing,
                           std::chrono::milliseconds limit);

}  // namespace lifeboat
