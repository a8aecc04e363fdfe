// SPDX-License-Identifier: GPL-2.0-or-later
// How much memory must be reserved on this machine: its capture kernel, its initramfs, what it has measured.
#pragma once

#include "loader/system_state.h"
#include "src/arming/recipe.h"
#include "src/arming/rehearsal_record.h"
#include "src/reservation/estimate.h"

namespace lifeboat::arming {

// What captures of the kernel `release` told of their memory: of the crashes in the configured targets that
// are mounted here and can be read, and of the last rehearsal.
std::vector<reservation::MeasuredUse> measured_uses(const config::Config& config, const std::string& release,
                                                    const std::string& rehearsal_file = kRehearsalFile);

// `kernel` is the path of the capture kernel's bzImage. The initramfs is made in memory, to know its size.
Result<reservation::Estimate> needed_reservation(const config::Config& config, const Recipe& recipe,
                                                 const std::string& kernel, const SystemState& state,
                                                 const std::string& rehearsal_file = kRehearsalFile);

}  // namespace lifeboat::arming
