// SPDX-License-Identifier: GPL-2.0-or-later
// A load at boot: targets may be on disks that appear late. The machine is armed at once with the targets
// that are there, and again when another one appears.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "src/arming/load_choices.h"

namespace lifeboat::arming {

struct Loaded {
  PreparedLoad load;
  LoadReport report;
  std::string initramfs;  // the stamps of its files at the load
};

struct WaitingLoad {
  // Chooses what to load; called again for each load, because a new device changes the initramfs.
  std::function<Result<PreparedLoad>()> prepare;
  // Whose devices are waited for; empty: none.
  std::vector<config::TargetEntry> targets;
  std::chrono::seconds max_wait{0};  // in all
  SystemPaths paths;
};

// Loads, and records what is loaded (noted_load.h). Each time when a missing device appears within
// `max_wait`, it loads again if that changed the initramfs, or if the load before failed; not if somebody has
// unloaded the capture kernel meanwhile. Returns the last load, or the error of the last one: whatever an
// earlier one loaded stays loaded then. Reports to the service manager (Type=notify) that a capture kernel is
// loaded as soon as it is, and what it waits for.
Result<Loaded> load_and_wait_for_devices(const WaitingLoad& wanted);

}  // namespace lifeboat::arming
