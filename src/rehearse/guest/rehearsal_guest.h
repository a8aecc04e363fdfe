// SPDX-License-Identifier: GPL-2.0-or-later
// The first kernel of a rehearsal: load the capture kernel, then crash.
#pragma once

#include "capture/plan/capture_plan.h"
#include "capture/run/supervise.h"

namespace lifeboat::init {

// Returns only when something failed: a success is a panic.
Result<> rehearse_crash(const Manifest& manifest, Heartbeat& heartbeat);

}  // namespace lifeboat::init
