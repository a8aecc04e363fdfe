// SPDX-License-Identifier: GPL-2.0-or-later
// struct elf_prstatus of x86-64 (include/uapi/linux/elfcore.h, arch/x86/include/asm/elf.h), as the notes of a
// vmcore hold it.
#pragma once

#include "src/vmcore/unwind.h"

namespace lifeboat::x86_64 {

struct SavedState {
  int32_t pid = 0;
  RegisterSet registers;
};

// Each NT_PRSTATUS note that is whole, in order.
std::vector<SavedState> parse_prstatus_notes(ByteSpan notes);

}  // namespace lifeboat::x86_64
