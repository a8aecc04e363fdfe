// SPDX-License-Identifier: GPL-2.0-or-later
// Places the parts of an x86 kernel in memory, for kexec_load(2).
#pragma once

#include "loader/plan.h"
#include "loader/x86_64/machine_facts.h"

namespace lifeboat::x86_64 {

// As LoadArchitecture::plan(), with all data read already.
Result<LoadPlan> plan_segments(const PlanInput& input, const Machine& machine, const MachineFacts& facts);

}  // namespace lifeboat::x86_64
