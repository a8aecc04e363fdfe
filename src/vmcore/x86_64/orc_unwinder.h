// SPDX-License-Identifier: GPL-2.0-or-later
// Stacks unwound by the kernel's own ORC tables (arch/x86/include/asm/orc_types.h), for vmlinux and modules.
#pragma once

#include <memory>

#include "src/vmcore/kernel_types.h"
#include "src/vmcore/unwind.h"

namespace lifeboat::x86_64 {

// Finds the tables (__start_orc_unwind, __start_orc_unwind_ip), recognises their version by .orc_header or
// their contents, and the stacks of every CPU. Without tables (CONFIG_UNWINDER_FRAME_POINTER, or filtered
// out) backtraces come from scanning, every frame is marked, and notes() has the reason. An error: the
// kernel's code cannot be distinguished from its data. All arguments must outlive the result.
Result<std::unique_ptr<Unwinder>> orc_unwinder(const KernelMemory& memory, const KernelTypes& types,
                                               const Kallsyms& symbols);

}  // namespace lifeboat::x86_64
