// SPDX-License-Identifier: GPL-2.0-or-later
// Data of a running kernel from /proc, kept so that a test can compare a dump with it.
#pragma once

#include <string>

#include "src/base/error.h"

namespace lifeboat::rehearse {

// Copies of /proc files; `tasks`: one line a thread, "pid tgid ppid state comm"; `stacks`: for each thread
// that sleeps "== TID" and the text of its /proc/PID/task/TID/stack.
Result<> record_facts(const std::string& folder);

}  // namespace lifeboat::rehearse
