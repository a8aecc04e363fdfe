// SPDX-License-Identifier: GPL-2.0-or-later
// The types that a module adds to the kernel's: its split BTF, which the kernel keeps on the list btf_modules
// (kernel/bpf/btf.c, since 5.11, CONFIG_DEBUG_INFO_BTF_MODULES).
#pragma once

#include "src/vmcore/kernel_types.h"

namespace lifeboat {

// `list` is the address of the symbol btf_modules; `types` are vmlinux's and must outlive the result and not
// be moved. `not_found`: no module of that name has BTF. Types of modules without BTF of their own may still
// be vmlinux's.
Result<Btf> read_module_btf(const KernelMemory& memory, const KernelTypes& types, uint64_t list,
                            std::string_view module);

}  // namespace lifeboat
