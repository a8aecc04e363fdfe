// SPDX-License-Identifier: GPL-2.0-or-later
// The obstacles to loading a kernel on this machine, whatever its files are: reported before a load, and by
// `lifeboat status`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loader/load.h"
#include "loader/system_state.h"
#include "src/base/error.h"

namespace lifeboat {

// When the running kernel reports neither a reservation nor whether a capture kernel is loaded.
inline constexpr std::string_view kNoCrashStateFix =
    "mount /sys; the running kernel needs CONFIG_KEXEC_FILE=y and CONFIG_CRASH_DUMP=y";

// Each is a reason for the system call to fail, with a hint. Empty: no known obstacle.
std::vector<Error> load_obstacles(const SystemState& state, bool crash);
// The same for unloading, which needs the privilege but no reservation.
std::vector<Error> unload_obstacles(const SystemState& state, bool crash);

// Why no capture kernel would start if this machine crashed now, each with a hint. Empty: one is loaded.
std::vector<Error> not_armed_because(const SystemState& state);

// A signature is required; only the kernel can check whether the file has a good one.
bool wants_signature(const SystemState& state);

// Whether this errno of kexec_file_load(2) is about the signature of the kernel file.
bool is_signature_refusal(int error_number);

// Whether the running kernel permits kexec_load(2), which passes no file with a signature: not in lockdown,
// not where IMA or Secure Boot forbids it, not where it would destroy preserved memory, and not when no load
// is permitted any more. What it answers is only known after the call.
bool segments_permitted(const SystemState& state, bool crash);
// What to do instead of signing the kernel, where that is permitted.
std::string load_without_signature_fix(bool crash);

// Why kexec_load(2) cannot be used in lockdown, with a hint.
Error segments_forbidden(const SystemState& state);

// The error for a failed call (file or segments) with this errno, with a hint. The caller adds the kernel's
// name and what is loaded now.
Error explain_load_error(int error_number, LoadCall call, const SystemState& state, bool crash);

}  // namespace lifeboat
