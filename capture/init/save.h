// SPDX-License-Identifier: GPL-2.0-or-later
// What the capture kernel is there for.
#pragma once

#include "capture/init/supervise.h"
#include "capture/manifest.h"

namespace lifeboat::init {

// The order of safety: mount the target; the log first, synced; the report; then the dump under its
// incomplete name; then the name that says it is whole. Announces each step.
Result<> save_crash(const Manifest& manifest, Heartbeat& heartbeat);

// Puts what lifeboat-init said beside the dump, if there is a folder for this crash.
Result<> save_capture_log();

// The last resort, when no target could be reached: the end of the dead kernel's log, on the console.
Result<> print_log_tail(Heartbeat& heartbeat);

}  // namespace lifeboat::init
