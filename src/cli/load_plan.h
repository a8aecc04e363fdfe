// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat load --dry-run`: prints the plan as text or as JSON.
#pragma once

#include "loader/plan.h"
#include "src/arming/load_choices.h"

namespace lifeboat::cli {

// {"kernel", "initrd", "entry", "kernel_entry", "command_line", "segments": [{"name", "address", "end",
// "bytes", "digested"}],
//  "memory_map": [{"begin", "end", "type"}], "core": [{"kind", "virtual", "physical", "offset", "size"}],
//  "kernel_updates_core_headers", "warnings"}; addresses are hexadecimal strings. The notes of the choice are
// among the warnings.
void print_plan_json(const LoadPlan& plan, const arming::PreparedLoad& load);
void print_plan_text(const LoadPlan& plan);

}  // namespace lifeboat::cli
