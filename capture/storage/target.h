// SPDX-License-Identifier: GPL-2.0-or-later
// The file system that the dump goes to: waits for it, mounts it, unmounts it.
#pragma once

#include <chrono>
#include <string>

#include "capture/plan/capture_plan.h"
#include "capture/run/supervise.h"
#include "src/base/error.h"

namespace lifeboat::capture {

inline constexpr const char* kMountPoint = "/mnt";

// The block device whose file system has this UUID; polled until `deadline` has passed, because drivers find
// their devices at any time. `timeout` lists the devices that were there.
Result<std::string> wait_for_device(const std::string& uuid, std::chrono::seconds deadline,
                                    Heartbeat& heartbeat);

// Waits for the target's device and mounts it, writable.
Result<> mount_target(const Target& target, std::chrono::seconds device_deadline, Heartbeat& heartbeat);

// Syncs and unmounts; falls back to mounting read-only, which at least leaves the file system clean.
Result<> unmount_target();

}  // namespace lifeboat::capture
