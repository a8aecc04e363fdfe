// SPDX-License-Identifier: GPL-2.0-or-later
// Loading and unloading, with the record of what is loaded for the next crash (loaded_state.h), which
// `lifeboat status` and `check` read.
//
// At every instant the record describes the loaded capture kernel, or there is none: it is removed before the
// loaded kernel changes, and written when that is done. Processes that load at the same time take turns.
#pragma once

#include "loader/load.h"

namespace lifeboat::arming {

// load_kernel(), and for a crash the record. If the load fails and an earlier capture kernel is still loaded,
// its record stays. If the record cannot be written, the kernel stays loaded without one, with a warning in
// the log.
Result<LoadReport> load_and_note(const LoadRequest& request, const KernelFile& kernel,
                                 const SystemPaths& paths);
// unload_kernel(), and for a crash (`crash`) the record is removed.
Result<> unload_and_forget(bool crash, const SystemPaths& paths);

}  // namespace lifeboat::arming
