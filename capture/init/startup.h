// SPDX-License-Identifier: GPL-2.0-or-later
// What PID 1 needs first: mounts and modules.
#pragma once

#include <string>
#include <vector>

#include "capture/run/supervise.h"
#include "src/base/error.h"

namespace lifeboat::capture {

// /proc, /sys, /dev, /run. Nothing is logged yet, so what fails is returned as text for later.
std::vector<std::string> mount_pseudo_file_systems();

// Loads the files named in the plan, in order, and removes each from the initramfs afterwards: its memory
// is needed. A module that does not load is logged; if the target needs it, mounting the target fails later.
Result<> load_modules(const std::vector<std::string>& names, Heartbeat& heartbeat);

}  // namespace lifeboat::capture
