// SPDX-License-Identifier: GPL-2.0-or-later
// The pretimeout of a watchdog: an interrupt some seconds before the watchdog resets the machine. The
// kernel's governor `panic` makes a panic of it (drivers/watchdog/pretimeout_panic.c), and so do some
// drivers. That starts a capture kernel in the crashed kernel, but in the capture kernel it ends the capture.
#pragma once

#include <string>

namespace lifeboat::capture {

// What was done about the pretimeout of one watchdog.
struct PretimeoutCare {
  int seconds = 0;      // that it had; 0: it has none, or it was off
  std::string problem;  // why it may still panic this kernel; empty: it cannot
};

// Turns it off, as far as that is possible without opening the device, which would start the watchdog: by the
// attribute `pretimeout`, where the kernel lets it be written, and by the governor `noop`. `folder`: the
// watchdog's in /sys/class/watchdog (Documentation/ABI/testing/sysfs-class-watchdog). Reads back what it
// wrote. May be called again: a governor that is registered later can take the place of the one before.
PretimeoutCare turn_off_pretimeout(const std::string& folder);

// The same for one that is open as `fd`, before it is fed: by WDIOC_SETPRETIMEOUT first. `folder` may be
// empty or missing: not every kernel and driver shows its watchdogs there.
PretimeoutCare turn_off_pretimeout(int fd, const std::string& folder);

}  // namespace lifeboat::capture
