// SPDX-License-Identifier: GPL-2.0-or-later
// What an errno of kexec_file_load(2) means, and what to do about it.
#pragma once

#include "base/error.h"
#include "loader/system_state.h"

namespace lifeboat {

// `before` and `after`: the machine's state before and after the call that failed.
Error explain_load_error(int error_number, bool crash, const SystemState& before, const SystemState& after);

}  // namespace lifeboat
