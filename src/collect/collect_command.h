// SPDX-License-Identifier: GPL-2.0-or-later
// [collect] command: the operator's program, run for each crash until it has succeeded.
#pragma once

#include <string>
#include <vector>

#include "src/store/crash_record.h"

namespace lifeboat::collect {

// By as many runs of collect. What has failed so often fails for a reason that waiting does not mend.
inline constexpr uint64_t kMaxCommandTries = 5;

// It was run before, without success, and may be once more.
bool command_is_due(const CrashRecord& record);

// Runs `command` with the path of a crash's folder, for at most five minutes. The try is noted before it
// begins, by replacing the record in that folder with `record`: one that is cut off counts, too, so that a
// command which ends the machine does not do so for ever. Problems, of the command or of noting it, are
// returned.
std::vector<std::string> run_command(const std::string& command, const std::string& path, int folder_fd,
                                     CrashRecord& record);

}  // namespace lifeboat::collect
