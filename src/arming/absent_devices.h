// SPDX-License-Identifier: GPL-2.0-or-later
// The devices of targets that are not there yet: at boot a disk may come later than the machine is to be
// armed.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "src/config/config.h"

namespace lifeboat::arming {

// Those that this machine does not have now, named as they are configured ("UUID=...", "/dev/sdb1"). A target
// without a device is none of them: its folder is there, or its file system is mounted by somebody else.
std::vector<std::string> absent_devices(std::span<const config::TargetEntry> targets);

// Waits until one of them is there; false: `end` has come, and none is.
bool wait_for_one(std::span<const std::string> devices, std::chrono::steady_clock::time_point end);

}  // namespace lifeboat::arming
