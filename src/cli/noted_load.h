// SPDX-License-Identifier: GPL-2.0-or-later
// Loading and unloading, with the note by which `lifeboat status` and `check` know what is loaded for the
// next crash.
#pragma once

#include "loader/load.h"

namespace lifeboat::cli {

// load_kernel(), and for a crash the note. The load stands also when it cannot be noted; the note of an
// earlier one is gone then.
Result<LoadReport> load_and_note(const LoadRequest& request, const KernelFile& kernel,
                                 const SystemPaths& paths);
Result<> unload_and_forget(bool crash, const SystemPaths& paths);

}  // namespace lifeboat::cli
