// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat load --dry-run`: prints the plan as text or as JSON.
#pragma once

#include <string>
#include <vector>

#include "loader/plan.h"

namespace lifeboat::cli {

// {"entry", "kernel_entry", "command_line", "segments": [{"name", "address", "end", "bytes", "digested"}],
//  "memory_map": [{"begin", "end", "type"}], "core": [{"kind", "virtual", "physical", "offset", "size"}],
//  "kernel_updates_core_headers", "warnings"}; addresses are hexadecimal strings. The warnings begin with
// `notes`, what was chosen for the user.
void print_plan_json(const LoadPlan& plan, const std::vector<std::string>& notes);
void print_plan_text(const LoadPlan& plan);

}  // namespace lifeboat::cli
