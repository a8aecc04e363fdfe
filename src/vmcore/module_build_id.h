// SPDX-License-Identifier: GPL-2.0-or-later
// The build id of a loaded module, which identifies the file that it was loaded from.
#pragma once

#include "src/vmcore/modules.h"

namespace lifeboat {

// From the module's note sections, which the kernel keeps for sysfs (module.notes_attrs) although
// Module::build_id exists only with CONFIG_STACKTRACE_BUILD_ID. `not_found`: without CONFIG_SYSFS, or the
// module has none.
Result<std::vector<std::byte>> read_module_build_id(const KernelMemory& memory, const KernelTypes& types,
                                                    const Module& module);

}  // namespace lifeboat
