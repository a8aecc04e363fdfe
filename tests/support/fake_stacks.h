// SPDX-License-Identifier: GPL-2.0-or-later
// A made-up kernel with some functions, their ORC tables and stacks: what an unwinder needs, and a test can
// spoil.
#pragma once

#include "src/vmcore/x86_64/unwind_frames.h"
#include "tests/support/fake_orc.h"

namespace lifeboat::test {

inline constexpr uint64_t kFakeFunctionBytes = 0x100;

class FakeStacks {
 public:
  // Stacks: the task's of 16 KiB, and of CPUs 0 and 1 an IRQ stack and an NMI stack.
  FakeStacks();
  // As it was at first.
  void reset();

  // A function whose every instruction has this entry (layout of 6.4 to 7.0). Returns where it begins.
  uint64_t add_function(const x86_64::RawOrcEntry& entry);
  // The return address of a call of `callee` in the middle of `function`.
  uint64_t call(uint64_t function, uint64_t callee);
  void push(uint64_t address, const std::vector<uint64_t>& words);
  // A struct pt_regs.
  void push_registers(uint64_t address, const x86_64::Registers& registers);

  // As the tables and stacks are now.
  Backtrace walk(x86_64::UnwindStart start);
  // A task that slept in what returns to `ip`.
  Backtrace walk_task(uint64_t ip, uint64_t sp, uint64_t bp = 0);

  FakeKernel fake;
  x86_64::Stack task, irq, nmi, other_irq;
  x86_64::OrcVersion version = x86_64::OrcVersion::with_types;
  std::vector<uint64_t> trampolines;
  bool with_tables = true;
  // Known where they begin: as in kallsyms.
  [[nodiscard]] std::optional<uint64_t> function_at(uint64_t address) const;

 private:
  x86_64::Stack make_stack(x86_64::StackKind kind, std::optional<uint32_t> cpu);
  std::vector<FakeOrc> entries_;
  x86_64::OrcPlace tables_;  // room for them
  KernelMemory memory_;
};

// Layout of 6.4 to 7.0: "the caller's stack pointer is sp + offset" and so on.
x86_64::RawOrcEntry orc_call(int16_t sp_offset);
x86_64::RawOrcEntry orc_call_by_bp();
x86_64::RawOrcEntry orc_indirect(int16_t sp_offset);
x86_64::RawOrcEntry orc_registers(int16_t sp_offset = 0);
x86_64::RawOrcEntry orc_partial_registers(int16_t sp_offset = 0);
x86_64::RawOrcEntry orc_end();
x86_64::RawOrcEntry orc_undefined();

}  // namespace lifeboat::test
