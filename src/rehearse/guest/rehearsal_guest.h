// SPDX-License-Identifier: GPL-2.0-or-later
// The first kernel of a rehearsal: load the capture kernel, then crash.
#pragma once

#include "capture/plan/capture_plan.h"
#include "capture/run/supervise.h"
#include "src/rehearse/guest/guest_plan.h"

namespace lifeboat::rehearse {

// `plan`: where the disk is. Returns only when something failed: a success is a panic.
Result<> rehearse_crash(const GuestPlan& guest, const CapturePlan& plan, capture::Heartbeat& heartbeat);

}  // namespace lifeboat::rehearse
