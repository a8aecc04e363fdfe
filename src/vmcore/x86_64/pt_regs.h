// SPDX-License-Identifier: GPL-2.0-or-later
// struct pt_regs of x86-64 (arch/x86/include/asm/ptrace.h), and struct elf_prstatus
// (include/uapi/linux/elfcore.h, arch/x86/include/asm/elf.h), as the notes of a vmcore hold it.
#pragma once

#include <span>

#include "src/base/bytes.h"
#include "src/vmcore/registers.h"

namespace lifeboat::x86_64 {

// In the order of struct pt_regs: the 15 general registers, orig_ax, and what the processor itself saves.
struct Registers {
  static constexpr size_t kAll = 21, kIret = 5;

  uint64_t r15 = 0, r14 = 0, r13 = 0, r12 = 0, bp = 0, bx = 0, r11 = 0, r10 = 0, r9 = 0, r8 = 0, ax = 0,
           cx = 0, dx = 0, si = 0, di = 0, orig_ax = 0, ip = 0, cs = 0, flags = 0, sp = 0, ss = 0;
  bool complete = true;  // false: only ip, cs, flags, sp and ss are known

  static Registers from_words(std::span<const uint64_t, kAll> words);
  static Registers from_iret_words(std::span<const uint64_t, kIret> words);
  // What the set does not have is 0.
  static Registers from_set(const RegisterSet& set);
  [[nodiscard]] RegisterSet to_set() const;

  [[nodiscard]] bool user_mode() const { return (cs & 3) != 0; }
  [[nodiscard]] bool interrupts_off() const { return (flags & 0x200) == 0; }  // X86_EFLAGS_IF
};

// nullopt: too short.
std::optional<SavedRegisters> parse_prstatus(ByteSpan description);

}  // namespace lifeboat::x86_64
