// SPDX-License-Identifier: GPL-2.0-or-later
// A capture: the hooks before it, one target after the other until the dump is saved on one (whole, or
// incomplete because memory cannot be read, which another target would not change; or none was to be saved),
// the hooks after it, and the console when no target worked. A target that was too small for a dump and has
// only the log, as `level = 31,none` permits, is used when no later one takes a dump. Each step runs in a
// child that must show progress (supervise.h), so a capture always ends. The same for lifeboat-init and for a
// capture kernel that runs the installed system.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "capture/plan/capture_plan.h"
#include "capture/run/journal.h"
#include "capture/run/supervise.h"

namespace lifeboat::capture {

// A target to try: the configured ones in their order, so that each but the first is a fallback target.
struct AttemptTarget {
  // Saves the crash there (save.h), and notes the progress in the journal: the outcome is CrashRecord::dump,
  // however the child that saves ends.
  std::function<Result<>(Journal&, Heartbeat&)> save;
  // Unmounts or syncs it, after the record is written.
  std::function<Result<>()> leave;
};

struct AttemptOptions {
  std::string log_file;                                  // becomes capture.log; empty: no capture.log
  std::function<void()> on_wait = {};                    // called at least once a second
  std::function<Result<>(Heartbeat&)> last_resort = {};  // run when no target could be used
  // What else went wrong in this kernel so far, for CrashRecord::problems.
  std::function<std::vector<std::string>()> problems = {};
};

struct AttemptResult {
  DumpOutcome outcome = DumpOutcome::failed;
  bool fell_back = false;   // as CrashRecord::fell_back
  uint64_t lost_pages = 0;  // of the dump
  std::string folder;       // of the crash in that target, or the last one; empty: none was created
};

// Uses the hooks and deadlines of `plan`. The journal is cleared at the end.
AttemptResult attempt_capture(const CapturePlan& plan, std::span<const AttemptTarget> targets,
                              Journal& journal, const AttemptOptions& options);

// Unmounting and syncing a slow disk may take this long without progress.
inline constexpr std::chrono::seconds kLeaveDeadline{60};

}  // namespace lifeboat::capture
