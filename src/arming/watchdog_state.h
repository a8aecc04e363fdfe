// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a watchdog runs: it would interrupt a capture that does not feed it.
#pragma once

#include <string>

namespace lifeboat {

// `folder` is the watchdog's in /sys/class/watchdog (Documentation/ABI/testing/sysfs-class-watchdog). One
// without a state (a kernel without CONFIG_WATCHDOG_SYSFS) is treated as running.
bool watchdog_runs(const std::string& folder);

}  // namespace lifeboat
