// SPDX-License-Identifier: GPL-2.0-or-later
// What ends a capture: the machine restarts, or does what else was configured.
#pragma once

#include <string>

#include "capture/plan/capture_plan.h"

namespace lifeboat::capture {

// Reboot, power off, halt, or run `shell` on the console and reboot when it ends. Tries all methods; never
// returns.
[[noreturn]] void final_action(FinalAction action, const std::string& shell);

// The same for a program of a running system: through its service manager (systemctl --force), which unmounts
// everything first. If that fails, as above.
[[noreturn]] void final_action_of_system(FinalAction action, const std::string& shell);

}  // namespace lifeboat::capture
