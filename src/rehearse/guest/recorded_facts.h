// SPDX-License-Identifier: GPL-2.0-or-later
// What a running kernel says about itself, kept so that a test can hold a dump against it.
#pragma once

#include <string>

#include "src/base/error.h"

namespace lifeboat::rehearse {

// Copies of /proc files; `tasks`: one line a thread, "pid tgid ppid state comm"; `stacks`: for each thread
// that sleeps
// "== TID" and the text of its /proc/PID/task/TID/stack.
Result<> record_facts(const std::string& folder);

}  // namespace lifeboat::rehearse
