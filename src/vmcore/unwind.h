// SPDX-License-Identifier: GPL-2.0-or-later
// Kernel stacks, unwound by the kernel's own ORC tables (arch/x86/include/asm/orc_types.h), for vmlinux and
// modules.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/vmcore/kernel_types.h"
#include "src/vmcore/tasks.h"

namespace lifeboat {

// General registers in the order of struct pt_regs, by the names of the architecture.
struct RegisterSet {
  uint64_t r15 = 0, r14 = 0, r13 = 0, r12 = 0, bp = 0, bx = 0, r11 = 0, r10 = 0, r9 = 0, r8 = 0, ax = 0,
           cx = 0, dx = 0, si = 0, di = 0, orig_ax = 0, ip = 0, cs = 0, flags = 0, sp = 0, ss = 0;
  bool complete = true;  // false: only ip, cs, flags, sp and ss are known
  [[nodiscard]] bool user_mode() const { return (cs & 3) != 0; }
  [[nodiscard]] bool interrupts_off() const { return (flags & 0x200) == 0; }  // X86_EFLAGS_IF
};

// On x86-64 softirqs run on the stack of interrupts, or on that of the task.
enum class StackKind {
  task,
  irq,
  nmi,
  double_fault,
  debug,
  machine_check,
  vmm_communication,
  entry,
  unknown
};
std::string_view stack_kind_name(StackKind kind);

struct Frame {
  uint64_t address = 0;  // return address, or where it was interrupted
  uint64_t stack_pointer = 0;
  StackKind stack = StackKind::task;
  bool reliable = true;      // false: guessed, or in code without an unwind table; see Backtrace::fallback
  bool interrupted = false;  // the address is of an instruction that was interrupted, not of a call's return
  std::optional<RegisterSet> registers;  // at a boundary: what the exception, interrupt or NMI saved
};

struct Backtrace {
  std::vector<Frame> frames;  // innermost first
  // Of user mode, when that is what the innermost kernel function was entered from. No frame is made of it.
  std::optional<RegisterSet> user;
  std::string end;       // why it ended where it did; empty: at its proper end
  std::string fallback;  // why, and how, the frames that are not reliable were found; empty: there are none
};

class Unwinder {
 public:
  // Finds the tables (__start_orc_unwind, __start_orc_unwind_ip), recognises their version by .orc_header or
  // their contents, and the stacks of every CPU. Without tables (CONFIG_UNWINDER_FRAME_POINTER, or filtered
  // out) backtraces come from scanning, every frame is marked, and notes() has the reason. An error: the
  // kernel's code cannot be distinguished from its data. All arguments must outlive this object. Not for
  // several threads at once.
  static Result<Unwinder> create(const KernelMemory& memory, const KernelTypes& types,
                                 const Kallsyms& symbols);
  Unwinder(Unwinder&&) noexcept;
  Unwinder& operator=(Unwinder&&) noexcept;
  ~Unwinder();

  // What could not be found, and why: tables, stacks.
  [[nodiscard]] const std::vector<std::string>& notes() const;

  // A task that slept: from thread.sp (struct inactive_task_frame).
  [[nodiscard]] Backtrace sleeping(const Task& task) const;
  // A CPU that was running: from the registers of its NT_PRSTATUS note or crash_notes. `task`: what it ran,
  // nullptr if that is not known.
  [[nodiscard]] Backtrace running(const RegisterSet& registers, const Task* task) const;

 private:
  struct State;
  explicit Unwinder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The registers of each CPU at the crash.
struct CpuRegisters {
  uint32_t cpu = 0;
  int32_t pid = 0;  // of the task that ran, according to the note; 0: the idle task, or unknown
  std::optional<RegisterSet> registers;  // nullopt: that CPU saved none
};
// The per-CPU crash_notes in the dumped kernel's memory, whose CPUs are known (kernel/crash_core.c). If
// no CPU wrote any, as in a dump that a hypervisor made: the NT_PRSTATUS notes of the container, taken in the
// order of CPUs.
Result<std::vector<CpuRegisters>> read_cpu_registers(const KernelMemory& memory, const KernelTypes& types,
                                                     const Kallsyms& symbols, ByteSpan container_notes);

}  // namespace lifeboat
