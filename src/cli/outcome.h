// SPDX-License-Identifier: GPL-2.0-or-later
// Exit code and messages of the commands that save a dump.
#pragma once

#include <string>

#include "src/dump/dump_outcome.h"

namespace lifeboat::cli {

// An ExitCode: only a whole dump is done.
int exit_code_of(DumpOutcome outcome);

// Logs, as an error, that the dump in the file `path` is incomplete, why, and what to do with it.
void report_incomplete(const std::string& path, const std::string& reason);

}  // namespace lifeboat::cli
