// SPDX-License-Identifier: GPL-2.0-or-later
// A capture: the hooks before it, one target after the other until one has taken the dump (whole, or
// incomplete because memory cannot be read, which another target would not change), the hooks after it, and
// the console when no target took it. Each piece of work is done in a child that has to show progress
// (supervise.h), so it always comes to an end. The same for lifeboat-init and for a capture kernel that runs
// the installed system.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "capture/plan/capture_plan.h"
#include "capture/run/journal.h"
#include "capture/run/supervise.h"

namespace lifeboat::capture {

// A target to try: the configured ones in their order, so that each but the first is a fallback target.
struct AttemptTarget {
  // Saves the crash there (save.h), and notes in the journal how far it came: what counts as the outcome is
  // CrashRecord::dump, whatever became of the child that saved.
  std::function<Result<>(Journal&, Heartbeat&)> save;
  // Unmounts or syncs it, once the record lies in it.
  std::function<Result<>()> leave;
};

struct AttemptOptions {
  std::string log_file;                                  // becomes capture.log; empty: nothing does
  std::function<void()> on_wait = {};                    // called at least once a second
  std::function<Result<>(Heartbeat&)> last_resort = {};  // run when no target took the dump
};

struct AttemptResult {
  DumpOutcome outcome = DumpOutcome::failed;
  uint64_t lost_pages = 0;  // of the dump
  std::string folder;       // of the crash in the last target; empty: none was made
};

// Of `plan` what it says of hooks and deadlines counts. The journal is forgotten at the end.
AttemptResult attempt_capture(const CapturePlan& plan, std::span<const AttemptTarget> targets,
                              Journal& journal, const AttemptOptions& options);

// Unmounting and syncing a slow disk may take this long in silence.
inline constexpr std::chrono::seconds kLeaveDeadline{60};

}  // namespace lifeboat::capture
