// SPDX-License-Identifier: GPL-2.0-or-later
// The utsname of the dumped kernel, read from its memory.
#pragma once

#include "src/dump/dump.h"
#include "src/vmcore/kernel_memory.h"

namespace lifeboat {

// init_uts_ns.name: struct new_utsname, six fields of 65 bytes (include/uapi/linux/utsname.h).
// Without OFFSET(uts_namespace.name) (kernels before 5.11) found by OSRELEASE, which is in the third.
// `not_found` without SYMBOL(init_uts_ns), or when neither finds it.
Result<Utsname> read_utsname(const KernelMemory& memory);

}  // namespace lifeboat
