// SPDX-License-Identifier: GPL-2.0-or-later
// Follows one chain of frames from a stack pointer and an instruction pointer to its end, by ORC. Where the
// tables have no entry, the stack is searched upwards for the call of that function: objtool leaves out few
// functions, but __crash_kexec(), where every panic ends, is one of them. Otherwise the walker guesses, marks
// the frames as not reliable, and continues: by the frame pointer, if the code is not the kernel's own (BPF
// programs keep one); by the first return address on the stack from which the tables continue; by any return
// address. Bounds: 256 frames; every stack is entered once; on a stack the pointer only moves up.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/vmcore/unwind.h"
#include "src/vmcore/x86_64/code_map.h"
#include "src/vmcore/x86_64/pt_regs.h"
#include "src/vmcore/x86_64/stacks.h"

namespace lifeboat::x86_64 {

inline constexpr size_t kMaxFrames = 256;

// Where a chain begins.
struct UnwindStart {
  uint64_t ip = 0, sp = 0, bp = 0;
  bool interrupted = false;  // `ip` is of an instruction that had yet to run, not of a call's return
  std::optional<Registers> registers;  // all of them, if the chain begins with an interruption
  std::optional<Stack> task_stack;     // nullopt: not known; then any that its pointers lead to, one
  bool slept = false;                  // the chain is on the task's stack only, on no CPU's
};

class FrameWalker {
 public:
  FrameWalker(const KernelMemory& memory, const CodeMap& code, const StackMap& stacks,
              const UnwindStart& start);

  // Once.
  [[nodiscard]] Backtrace walk();

 private:
  // A function on the stack, as far as it is known: what its registers were when it called, or was
  // interrupted.
  struct State {
    uint64_t ip = 0, sp = 0, bp = 0;
    bool interrupted = false;
    bool reliable = true;
    std::optional<Registers> registers;       // saved where it was interrupted
    std::optional<Registers> full_registers;  // of the interruption before, when `registers` are not complete
    std::optional<Stack> stack;               // what was read last lies on it
    std::optional<Stack> task_stack;
    std::optional<uint32_t> cpu;    // whose stacks it is on
    std::vector<uint64_t> entered;  // where the stacks begin that it was on
  };
  enum class Step { moved, end };

  // To the caller. The error is the reason why it cannot be found.
  Result<Step> step(State& state);
  Result<> apply(State& state, const OrcEntry& entry);
  Result<uint64_t> frame_base(State& state, const OrcEntry& entry);
  Result<uint64_t> indirect_base(State& state, const OrcEntry& entry);
  Result<> read_registers(State& state, uint64_t address, bool complete);
  Result<> restore_bp(State& state, const OrcEntry& entry, uint64_t base);

  // To the caller without the tables. An error: no frame pointer and no return address was found.
  Result<> find_caller(State& state, const Error& why);
  bool find_by_call(State& state);
  bool guess_by_frame_pointer(State& state);
  bool guess_by_search(State& state);
  // From the stack of a CPU to the one that it was entered from, by what lies at its end.
  bool leave_stack(State& state);
  bool may_search(State& state) const;
  // The caller, if the word at `at` is a return address.
  std::optional<State> returned_from(State& state, uint64_t at) const;
  // Whether the tables lead from there through some frames, each with a return address behind a call.
  bool leads_on(State state);

  // The stack of an address; stacks that the chain has left are excluded.
  [[nodiscard]] std::optional<Stack> allowed_stack(const State& state, uint64_t address,
                                                   uint64_t bytes) const;
  Result<> enter_stack(State& state, uint64_t address, uint64_t bytes) const;
  Result<uint64_t> stack_word(State& state, uint64_t address) const;
  void add_frame(const State& state);

  const KernelMemory* memory_;
  const CodeMap* code_;
  const StackMap* stacks_;
  bool slept_;
  State start_;
  Backtrace trace_;
  bool only_list_ = false;  // nothing that was found on the stack led on
};

}  // namespace lifeboat::x86_64
