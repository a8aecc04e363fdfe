// SPDX-License-Identifier: GPL-2.0-or-later
// How much memory must be reserved on this machine: by its capture kernel, initramfs and measurements.
#pragma once

#include "loader/system_state.h"
#include "src/arming/capture_cpus.h"
#include "src/arming/recipe.h"
#include "src/arming/rehearsal_record.h"
#include "src/reservation/estimate.h"

namespace lifeboat::arming {

// The memory use that captures with the kernel `release` recorded: for the crashes in configured targets that
// are mounted here and can be read, and for the last rehearsal. A capture without a dump needed less than one
// with a dump, and does not count for it.
std::vector<reservation::MeasuredUse> measured_uses(const config::Config& config, const std::string& release,
                                                    const std::string& rehearsal_file = kRehearsalFile);

struct NeedsMachine {
  SystemPaths paths;
  std::string command_line;  // of the capture kernel
  unsigned cpus = 1;         // of the capture kernel
  std::string rehearsal_file = kRehearsalFile;
};

// What the need is estimated from (estimate_reservation()). `kernel` is the path of the capture kernel's
// file. The initramfs is built in memory to measure it.
Result<reservation::EstimateInput> needs_input(const config::Config& config, const Recipe& recipe,
                                               const std::string& kernel, const NeedsMachine& machine);

// The same with what the user gave; empty: as for a load for a crash.
struct NeedsRequest {
  std::string kernel;  // the capture kernel's file
  std::string module_folder, init;
  HostPaths host;
};
// Whatever this machine has reserved: with as many CPUs as would be useful, where the configuration has no
// number.
Result<reservation::Estimate> estimate_needs(const config::Config& config, const NeedsRequest& request,
                                             const SystemPaths& paths);

// The CPUs that a load for a crash gives the capture kernel now, by the reservation of this machine. `append`
// as in choose_cpus().
CaptureCpus cpus_for_load(const config::Config& config, const NeedsRequest& request, const SystemPaths& paths,
                          const std::string& append = {});

}  // namespace lifeboat::arming
