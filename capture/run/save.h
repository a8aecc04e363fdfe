// SPDX-License-Identifier: GPL-2.0-or-later
// Saves a crash: log, report, dump.
#pragma once

#include "capture/plan/capture_plan.h"
#include "capture/run/journal.h"
#include "capture/run/supervise.h"

namespace lifeboat::capture {

inline constexpr const char* kVmcore = "/proc/vmcore";

// Saves the crash in `vmcore` into a new folder of the store, which is open as `store_fd` and has the path
// `store_path`. The order: the log first, synced; the report; then the dump under its incomplete name; then
// the name of a whole dump. Announces each step, and notes the progress in `journal`, also when it fails:
// CrashRecord::dump is the outcome, and no error means `whole`, `incomplete` or `log_only`. Uses the settings
// of `plan` for dump and report. At the dump level `none` the log is what must be saved; when that level is
// not the first, the dump did not fit (CrashRecord::fell_back), and its beginning is removed.
Result<> save_into_store(const std::string& vmcore, int store_fd, const std::string& store_path,
                         const CapturePlan& plan, Journal& journal, Heartbeat& heartbeat);

// The last resort, when no target could be used: prints the end of the crashed kernel's log on the console,
// where it may be recorded.
Result<> print_log_tail(const std::string& vmcore, Heartbeat& heartbeat);

}  // namespace lifeboat::capture
