// SPDX-License-Identifier: GPL-2.0-or-later
// A capture, rung by rung: the hooks before it, one place after the other until one has taken the dump
// (whole, or incomplete because memory cannot be read, which the next place would not change), the hooks
// after it, and at last the console. Each piece of work is done in a child that has to show progress
// (supervise.h), so whatever happens it comes to an end. The same ladder for lifeboat-init and for a capture
// kernel that runs the installed system.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "capture/plan/capture_plan.h"
#include "capture/run/journal.h"
#include "capture/run/supervise.h"

namespace lifeboat::init {

// Where a dump may go.
struct Place {
  // Saves the crash there (save.h), and notes in the journal how far it came: what counts as the outcome is
  // CrashRecord::dump, whatever became of the child that saved.
  std::function<Result<>(Journal&, Heartbeat&)> save;
  // Lets the place go, once the record lies in it.
  std::function<Result<>()> leave;
};

struct LadderOptions {
  std::string log_file;                                // becomes capture.log; empty: nothing does
  std::function<void()> on_wait = {};                  // called at least once a second
  std::function<Result<>(Heartbeat&)> last_rung = {};  // what is left to do when no place took the dump
};

struct LadderEnd {
  DumpOutcome outcome = DumpOutcome::failed;
  uint64_t lost_pages = 0;  // of the dump
  std::string folder;       // of the crash in the last place; empty: none came to be
};

// Of `plan` what it says of hooks and deadlines counts. The journal is forgotten at the end.
LadderEnd climb(const CapturePlan& plan, std::span<const Place> places, Journal& journal,
                const LadderOptions& options);

// Unmounting and syncing a slow disk may take this long in silence.
inline constexpr std::chrono::seconds kLeaveDeadline{60};

}  // namespace lifeboat::init
