// SPDX-License-Identifier: GPL-2.0-or-later
// What stands between this machine and a loaded kernel, whatever its files are: told before a load is tried,
// and by `lifeboat status`.
#pragma once

#include <vector>

#include "loader/load.h"
#include "loader/system_state.h"
#include "src/base/error.h"

namespace lifeboat {

// Each is a reason for the system call to fail, with the next step in it. Empty: nothing that can be known
// now.
std::vector<Error> load_obstacles(const SystemState& state, bool crash);
// The same for unloading, which needs the privilege but no reservation.
std::vector<Error> unload_obstacles(const SystemState& state, bool crash);

// Why no capture kernel would start if this machine crashed now, each with its next step. Empty: it is armed.
std::vector<Error> not_armed_because(const SystemState& state);

// A signature will be asked for; whether the file has a good one only the kernel can tell.
bool wants_signature(const SystemState& state);

// Why kexec_load(2) is no way in lockdown, and what is.
Error segments_forbidden(const SystemState& state);

// What went wrong when the call (file or segments) failed with this errno, and what to do. Without the
// kernel's name and without saying what is loaded now: the caller knows.
Error explain_load_error(int error_number, LoadCall call, const SystemState& state, bool crash);

}  // namespace lifeboat
