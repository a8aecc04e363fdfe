// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel whose memory a dump holds, if its machine is one whose memory can be read.
#pragma once

#include <string_view>

#include "src/dump/dump.h"
#include "src/vmcore/kernel_memory.h"

namespace lifeboat {

// `unsupported`, with what the container has of the kernel, if no architecture is known for the dump's
// machine and page size. A dump that does not name its machine passes. `name` is for the message.
Result<> check_machine(const Dump& dump, std::string_view name);

// KernelMemory::create() of such a dump. `dump` must outlive it.
Result<KernelMemory> kernel_of(Dump& dump);
// The same, its memory read through `memory`, which must outlive it, too.
Result<KernelMemory> kernel_of(const Dump& dump, PhysicalMemory& memory);

}  // namespace lifeboat
