// SPDX-License-Identifier: GPL-2.0-or-later
// Restricts a process that reads untrusted data.
#pragma once

#include "src/base/error.h"

namespace lifeboat {

// From now on this process has no capability and can get none, and may only compute, allocate memory, and
// read and write its open descriptors: it cannot open files, start programs or use the network (a seccomp
// filter refuses every other system call with EPERM). This cannot be undone. The capability bounding set is
// emptied where CAP_SETPCAP allows it; otherwise it has no effect, since no program can be started.
// `unsupported`: this kernel has no seccomp filters.
Result<> confine_process();

}  // namespace lifeboat
