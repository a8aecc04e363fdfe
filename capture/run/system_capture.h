// SPDX-License-Identifier: GPL-2.0-or-later
// A capture attempt in an installed system, where lifeboat-init is not PID 1: `lifeboat capture --store`. Its
// targets are folders that the system has mounted, another capture may be under way, and a service manager
// limits its time and takes the final action.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "capture/plan/capture_plan.h"
#include "capture/run/attempt.h"

namespace lifeboat::capture {

enum class CaptureSystem {
  // The machine works: another capture that is under way is an error, and nothing is lost by a failure.
  working,
  // The capture kernel has booted it: what is not saved now is lost, so it waits for another capture, saves
  // also without the lock, and prints the log when no target works.
  of_capture_kernel,
};

struct SystemCapture {
  std::string source;  // the vmcore
  CapturePlan plan;    // its targets are not used
  // Finds the folder of a target, for each in their order; called when its turn comes, because the system may
  // be mounting it right now.
  std::vector<std::function<Result<std::string>()>> folders;
  CaptureSystem system = CaptureSystem::working;
  std::string run = "/run/lifeboat";  // for lock, journal and log; created if it is missing
  // Where the kernel shows watchdogs whose pretimeout must not end this capture (kWatchdogFolder); empty:
  // they are left alone.
  std::string watchdogs = {};
};

// Makes the attempt (attempt.h). `busy`: another process captures; an Error else: it could not begin. A
// failed capture is an outcome.
Result<AttemptResult> capture_in_system(const SystemCapture& capture);

// What to do when a capture has ended: [final] when what was configured is saved (the dump, whole or as far
// as memory can be read; or with a dump level `none` the log), else [failure].
FinalAction action_after(const Result<AttemptResult>& end, const Settings& settings);

// Takes it in a capture kernel that runs a system; extends the service manager's limit for a shell. Never
// returns.
[[noreturn]] void end_system_capture(FinalAction action);

// Locks the journal for a capture in the capture kernel: waits at most `limit` for another one, which would
// be interrupted by the restart that follows. Any failure to lock is only logged: the dump is more important.
// `on_wait` is called once a second.
void claim_or_go_on(Journal& journal, std::chrono::seconds limit, const std::function<void()>& on_wait);

}  // namespace lifeboat::capture
