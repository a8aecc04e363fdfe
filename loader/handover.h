// SPDX-License-Identifier: GPL-2.0-or-later
// Kexec Handover (KHO): memory that the running kernel preserves for the kernel that it reboots into, for
// live updates among others (kernel/liveupdate). Only kexec_file_load(2) passes it on. A kernel that was
// loaded by kexec_load(2) does not know of it, and uses that memory for itself.
#pragma once

#include <optional>
#include <string>

#include "loader/system_state.h"
#include "src/base/error.h"
#include "src/image/kernel_config.h"

namespace lifeboat {

// How it is known that KHO is on: "kho=on on the kernel command line". Empty: it is off, or nothing shows it.
// `config`: of the running kernel, if it is available.
std::string find_handover(const SystemPaths& paths, const std::optional<KernelConfig>& config);

// Why kexec_load(2) is not used for a reboot, with a hint. `state.handover` is not empty.
Error handover_forbids_segments(const SystemState& state);
// Why a dry run shows no segments, although a real load is possible: it is made by the other call.
Error handover_hides_segments(const SystemState& state);
// For a load that uses it all the same, because the user asked for it.
std::string handover_is_lost(const SystemState& state);

}  // namespace lifeboat
