// SPDX-License-Identifier: GPL-2.0-or-later
// A crash saved by PID 1: the target is mounted first.
#pragma once

#include "capture/plan/capture_plan.h"
#include "capture/run/journal.h"
#include "capture/run/supervise.h"

namespace lifeboat::capture {

// Mounts `target` and saves the crash in /proc/vmcore there, as save_into_store() does.
Result<> save_to_target(const CapturePlan& plan, const Target& target, Journal& journal,
                        Heartbeat& heartbeat);

}  // namespace lifeboat::capture
