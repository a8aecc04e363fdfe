// SPDX-License-Identifier: GPL-2.0-or-later
// A process that reads what may be made to attack it.
#pragma once

#include "src/base/error.h"

namespace lifeboat {

// From now on this process has no capability and never gets one, and may only compute, take memory, and read
// and write the descriptors that it has: it opens nothing, starts nothing, talks to nobody (a seccomp filter,
// which refuses every other system call with EPERM). Not to be undone. The capability bounding set is emptied
// where CAP_SETPCAP allows it; without that it is of no use either, since no program can be started.
// `unsupported`: this kernel has no seccomp filters.
Result<> confine_process();

}  // namespace lifeboat
