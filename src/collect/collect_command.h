// SPDX-License-Identifier: GPL-2.0-or-later
// [collect] command: the operator's program, run for each crash until it has succeeded.
#pragma once

#include <string>
#include <vector>

#include "src/store/crash_record.h"

namespace lifeboat::collect {

// Each in another run of collect. After so many failures another try is not expected to help.
inline constexpr uint64_t kMaxCommandTries = 5;

// It has failed before, and may be tried again.
bool command_is_due(const CrashRecord& record);

// Runs `command` with the path of a crash's folder, for at most five minutes. The try is recorded before
// it begins, by replacing the record in that folder with `record`: an interrupted try counts too, so that a
// command that crashes the machine is not repeated for ever. Returns the problems of the command or of
// recording it.
std::vector<std::string> run_command(const std::string& command, const std::string& path, int folder_fd,
                                     CrashRecord& record);

}  // namespace lifeboat::collect
