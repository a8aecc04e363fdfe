// SPDX-License-Identifier: GPL-2.0-or-later
// Where lifeboat-init prints messages: the console, the kernel's log, and a file in memory that is copied
// beside the dump.
#pragma once

#include <string>
#include <string_view>

namespace lifeboat::capture {

// In the capture kernel's memory; copied to the target at the end.
inline constexpr const char* kRunLog = "/run/capture.log";

// Sends everything that is logged to all three. /proc, /dev and /run are mounted by now.
void setup_console();

// For a program of a running system: messages go to standard error and into `file`, which is truncated.
void keep_log(const std::string& file);

// "lifeboat: phase NAME", for programs that watch the console.
void announce(std::string_view phase);

// Waits until the console's device has sent all output: the kernel's last messages do not wait for it.
void drain_console();

}  // namespace lifeboat::capture
