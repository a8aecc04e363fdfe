// SPDX-License-Identifier: GPL-2.0-or-later
// Exit code and messages of the commands that save a dump.
#pragma once

#include <string>

#include "src/dump/dump_outcome.h"

namespace lifeboat::cli {

// An ExitCode: only a whole dump is done, or none where none was asked for (`fell_back`: one was asked for,
// and did not fit).
int exit_code_of(DumpOutcome outcome, bool fell_back);

// Logs, as an error, that the dump in the file `path` is incomplete, why, and what to do with it.
void report_incomplete(const std::string& path, const std::string& reason);

// Logs, as an error, that no dump fitted, and what was saved instead at `path`.
void report_too_small(const std::string& path);

}  // namespace lifeboat::cli
