// SPDX-License-Identifier: GPL-2.0-or-later
// Programs of the operator, run in the capture kernel. Their result is logged and changes nothing else.
#pragma once

#include <string>
#include <vector>

#include "capture/run/supervise.h"

namespace lifeboat::capture {

struct HookCall {
  std::string point;    // "before", "after": LIFEBOAT_POINT
  std::string folder;   // of the crash, as a path that is mounted now: LIFEBOAT_FOLDER; empty: none
  std::string outcome;  // outcome_name() of the dump: LIFEBOAT_OUTCOME; empty: not yet known
};

// One after the other, each for at most `deadline`; then it is killed, with the children that it left in its
// process group.
void run_hooks(const std::vector<std::string>& hooks, const HookCall& call, std::chrono::seconds deadline,
               const std::function<void()>& on_wait);

}  // namespace lifeboat::capture
