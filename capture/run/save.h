// SPDX-License-Identifier: GPL-2.0-or-later
// What the capture kernel is there for.
#pragma once

#include "capture/plan/capture_plan.h"
#include "capture/run/journal.h"
#include "capture/run/supervise.h"

namespace lifeboat::capture {

inline constexpr const char* kVmcore = "/proc/vmcore";

// Saves the crash behind `vmcore` into a new folder of the store, which is open as `store_fd` and lies at
// `store_path`. The order of safety: the log first, synced; the report; then the dump under its incomplete
// name; then the name that says it is whole. Announces each step, and notes in `journal` how far it came,
// also when it fails: CrashRecord::dump is the outcome, and no error means `whole` or `incomplete`. Of
// `plan` what concerns dump and report counts.
Result<> save_into_store(const std::string& vmcore, int store_fd, const std::string& store_path,
                         const CapturePlan& plan, Journal& journal, Heartbeat& heartbeat);

// The last resort, when no target could be reached: the end of the dead kernel's log, on the console, where
// somebody may be logging it.
Result<> print_log_tail(const std::string& vmcore, Heartbeat& heartbeat);

}  // namespace lifeboat::capture
