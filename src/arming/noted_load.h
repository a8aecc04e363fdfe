// SPDX-License-Identifier: GPL-2.0-or-later
// Loading and unloading, with the record of what is loaded for the next crash, which `lifeboat status` and
// `check` read.
#pragma once

#include "loader/load.h"

namespace lifeboat::arming {

// load_kernel(), and for a crash the record. When the record cannot be written, the kernel stays loaded; the
// record of an earlier load is removed then.
Result<LoadReport> load_and_note(const LoadRequest& request, const KernelFile& kernel,
                                 const SystemPaths& paths);
Result<> unload_and_forget(bool crash, const SystemPaths& paths);

}  // namespace lifeboat::arming
