// SPDX-License-Identifier: GPL-2.0-or-later
// How much memory must be reserved on this machine: its capture kernel, its initramfs, what it has measured.
#pragma once

#include "arm/recipe.h"
#include "loader/system_state.h"
#include "reservation/estimate.h"

namespace lifeboat::arm {

// Written by `lifeboat rehearse` of this machine.
inline constexpr const char* kRehearsalFile = "/var/lib/lifeboat/rehearsal.json";

struct Rehearsal {
  uint64_t time = 0;  // seconds since the epoch
  std::string release;
  bool whole = false;
  std::string problem;  // why not
  std::string initramfs_digest;
  uint64_t memory_total_kib = 0, memory_lowest_kib = 0;  // as in the crash's record
};
// nullopt: there is none, or the file is of no use.
std::optional<Rehearsal> read_rehearsal(const std::string& path = kRehearsalFile);

// What captures of the kernel `release` told of their memory: of the crashes in the configured targets that are
// mounted here and can be read, and of the last rehearsal.
std::vector<reservation::MeasuredUse> measured_uses(const config::Config& config, const std::string& release,
                                                    const std::string& rehearsal_file = kRehearsalFile);

// `kernel` is the path of the capture kernel's bzImage. The initramfs is made in memory, to know its size.
Result<reservation::Estimate> needed_reservation(const config::Config& config, const Recipe& recipe,
                                                 const std::string& kernel, const SystemState& state,
                                                 const std::string& rehearsal_file = kRehearsalFile);

}  // namespace lifeboat::arm
