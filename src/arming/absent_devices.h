// SPDX-License-Identifier: GPL-2.0-or-later
// The target devices that have not appeared yet: at boot a disk may appear after the capture kernel should be
// loaded.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "src/config/config.h"

namespace lifeboat::arming {

// Those that this machine does not have now, named as they are configured ("UUID=...", "/dev/sdb1"). A target
// without a device is never among them: its file system is mounted by other means.
std::vector<std::string> absent_devices(std::span<const config::TargetEntry> targets);

// Waits until one of them appears; false: none appeared before `end`.
bool wait_for_one(std::span<const std::string> devices, std::chrono::steady_clock::time_point end);

// Waits until all of them are there, or `max_wait` has passed; logs what it waits for.
void wait_for_devices(std::span<const config::TargetEntry> targets, std::chrono::milliseconds max_wait);

}  // namespace lifeboat::arming
