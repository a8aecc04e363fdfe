// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/x86_64/unwind_frames.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace lifeboat::x86_64 {
namespace {

constexpr uint64_t kWord = 8;
constexpr uint64_t kIretBytes = Registers::kIret * kWord;

uint64_t Registers::* member_of(OrcRegister reg) {
  switch (reg) {
    case OrcRegister::ax:
      return &Registers::ax;
    case OrcRegister::dx:
      return &Registers::dx;
    case OrcRegister::di:
      return &Registers::di;
    case OrcRegister::r10:
      return &Registers::r10;
    case OrcRegister::r13:
      return &Registers::r13;
    default:
      return nullptr;
  }
}

bool is_user_mode(const std::optional<Registers>& registers) {
  return registers && registers->user_mode();
}

}  // namespace

FrameWalker::FrameWalker(const KernelMemory& memory, const CodeMap& code, const StackMap& stacks,
                         const UnwindStart& start)
    : memory_(&memory), code_(&code), stacks_(&stacks), slept_(start.slept) {
  start_.ip = start.ip;
  start_.sp = start.sp;
  start_.bp = start.bp;
  start_.interrupted = start.interrupted;
  start_.registers = start.registers;
  start_.task_stack = start.task_stack;
}

Backtrace FrameWalker::walk() {
  State state = start_;
  // Not fatal: after an overflow the pointer is outside the stack, but its contents can still be read.
  ignore_result(enter_stack(state, state.sp, kWord));
  while (!is_user_mode(state.registers)) {
    if (trace_.frames.size() == kMaxFrames) {
      trace_.end = fmt::format("cut off after {} frames", kMaxFrames);
      return std::move(trace_);
    }
    add_frame(state);
    if (const auto moved = step(state); !moved) {
      if (const auto found = find_caller(state, moved.error()); !found) {
        trace_.end = found.error().message;
        return std::move(trace_);
      }
    } else if (*moved == Step::end) {
      return std::move(trace_);
    }
  }
  trace_.user = state.registers->to_set();
  return std::move(trace_);
}

void FrameWalker::add_frame(const State& state) {
  Frame frame;
  frame.address = state.ip;
  frame.stack_pointer = state.sp;
  frame.interrupted = state.interrupted;
  if (state.registers) frame.registers = state.registers->to_set();
  // The word below the pointer is the return address, which lies on the stack even if nothing else does.
  const uint64_t on_stack = state.interrupted ? state.sp : state.sp - kWord;
  frame.stack = kUnknownStack;
  if (state.task_stack && state.task_stack->holds(on_stack, 1))
    frame.stack = stack_kind_name(state.task_stack->kind);
  else if (const Stack* stack = stacks_->find(on_stack))
    frame.stack = stack_kind_name(stack->kind);
  // A call of address 0 is recognised by its return address; that is reliable too.
  const bool known = state.ip == 0 || code_->holds(state.interrupted ? state.ip : state.ip - 1);
  const bool replaced = code_->is_trampoline(state.ip) && !state.interrupted;
  frame.reliable = state.reliable && known && !replaced;
  trace_.frames.push_back(frame);
}

Result<FrameWalker::Step> FrameWalker::step(State& state) {
  // Its own entry, if any, does not have the original return address: only the tracer has it.
  if (code_->is_trampoline(state.ip) && !state.interrupted)
    return fail(ErrorCode::not_found, "a tracer replaced the return address");
  OrcEntry entry{.sp_offset = kWord, .sp = OrcRegister::sp, .type = OrcType::call};
  // A return address may be that of the next function, if the call was the last instruction.
  if (state.ip != 0) entry = TRY(code_->find(state.interrupted ? state.ip : state.ip - 1));
  if (entry.type == OrcType::end) return Step::end;
  if (entry.type == OrcType::undefined)
    return fail(ErrorCode::not_found, "the unwind table has no frame at {:#x}", state.ip);
  State caller = state;
  TRY_VOID(apply(caller, entry));
  // Bad tables must not cause a loop.
  if (state.stack && caller.stack == state.stack && caller.stack->holds(caller.sp, kWord) &&
      caller.sp <= state.sp)
    return fail(ErrorCode::corrupt, "the stack pointer would move down from {:#x} to {:#x}", state.sp,
                caller.sp);
  state = std::move(caller);
  return Step::moved;
}

Result<> FrameWalker::apply(State& state, const OrcEntry& entry) {
  const uint64_t base = TRY(frame_base(state, entry));
  switch (entry.type) {
    case OrcType::call:
      state.ip = TRY(stack_word(state, base - kWord));
      state.sp = base;
      state.registers.reset();
      state.full_registers.reset();
      break;
    case OrcType::registers:
      TRY_VOID(read_registers(state, base, true));
      break;
    case OrcType::partial_registers:
      TRY_VOID(read_registers(state, base, false));
      break;
    case OrcType::undefined:
    case OrcType::end:
      return fail(ErrorCode::corrupt, "no frame");
  }
  state.interrupted = entry.interrupted;
  return restore_bp(state, entry, base);
}

Result<uint64_t> FrameWalker::frame_base(State& state, const OrcEntry& entry) {
  const auto offset = static_cast<uint64_t>(int64_t{entry.sp_offset});
  switch (entry.sp) {
    case OrcRegister::sp:
      return state.sp + offset;
    case OrcRegister::bp:
      return state.bp + offset;
    case OrcRegister::bp_indirect:
      return stack_word(state, state.bp + offset);
    case OrcRegister::sp_indirect:
      return indirect_base(state, entry);
    default:
      break;
  }
  // A register that holds the stack pointer for a few instructions: known where these were interrupted.
  uint64_t Registers::* const member = member_of(entry.sp);
  if (member == nullptr) return fail(ErrorCode::corrupt, "ORC entry with a wrong base register");
  if (state.registers && state.registers->complete) return *state.registers.*member;
  if (state.full_registers) return *state.full_registers.*member;
  return fail(ErrorCode::not_found, "the stack pointer was in a register that was not saved, at {:#x}",
              state.ip);
}

Result<uint64_t> FrameWalker::indirect_base(State& state, const OrcEntry& entry) {
  const auto offset = static_cast<uint64_t>(int64_t{entry.sp_offset});
  const uint64_t pointer = TRY(stack_word(state, state.sp));
  if (entry.offset_is_outside || offset == 0 || allowed_stack(state, pointer, kWord)) return pointer + offset;
  return stack_word(state, state.sp + offset);
}

Result<> FrameWalker::read_registers(State& state, uint64_t address, bool complete) {
  std::array<uint64_t, Registers::kAll> words{};
  const auto wanted = std::span(words).last(complete ? Registers::kAll : Registers::kIret);
  if (address % kWord != 0)
    return fail(ErrorCode::corrupt, "the saved registers are not at an aligned address: {:#x}", address);
  TRY_VOID(enter_stack(state, address, wanted.size_bytes()));
  TRY_VOID(memory_->read(address, std::as_writable_bytes(wanted)));
  Registers registers;
  if (complete) {
    registers = Registers::from_words(words);
    state.full_registers.reset();
  } else {
    registers = Registers::from_iret_words(std::span(words).last<Registers::kIret>());
    // Interrupted before its first instruction: the registers of the interruption before are still valid (as
    // in get_reg()).
    if (state.registers && state.registers->complete) state.full_registers = state.registers;
  }
  state.ip = registers.ip;
  state.sp = registers.sp;
  state.registers = registers;
  return {};
}

Result<> FrameWalker::restore_bp(State& state, const OrcEntry& entry, uint64_t base) {
  const auto offset = static_cast<uint64_t>(int64_t{entry.bp_offset});
  if (entry.bp == OrcRegister::previous_sp) {
    state.bp = TRY(stack_word(state, base + offset));
  } else if (entry.bp == OrcRegister::bp) {
    state.bp = TRY(stack_word(state, state.bp + offset));
  } else if (state.registers && state.registers->complete) {
    state.bp = state.registers->bp;
  } else if (state.full_registers) {
    state.bp = state.full_registers->bp;
  }
  return {};
}

std::optional<Stack> FrameWalker::allowed_stack(const State& state, uint64_t address, uint64_t bytes) const {
  if (state.stack && state.stack->holds(address, bytes)) return state.stack;
  std::optional<Stack> found;
  if (state.task_stack) {
    if (state.task_stack->holds(address, bytes)) found = state.task_stack;
  }
  if (!found && !slept_) {
    if (const Stack* stack = stacks_->find(address)) {
      if (stack->holds(address, bytes) && (!state.cpu || stack->cpu == state.cpu)) found = *stack;
    } else if (const Stack around = stacks_->task_stack_around(address);
               !state.task_stack && around.holds(address, bytes)) {
      found = around;
    }
  }
  if (found && std::ranges::find(state.entered, found->begin) != state.entered.end()) return std::nullopt;
  return found;
}

Result<> FrameWalker::enter_stack(State& state, uint64_t address, uint64_t bytes) const {
  if (state.stack && state.stack->holds(address, bytes)) return {};
  const auto stack = allowed_stack(state, address, bytes);
  if (!stack) return fail(ErrorCode::corrupt, "{:#x} is not on a stack of this chain", address);
  state.stack = stack;
  state.entered.push_back(stack->begin);
  if (stack->cpu) state.cpu = stack->cpu;
  if (!stack->cpu) state.task_stack = stack;
  return {};
}

Result<uint64_t> FrameWalker::stack_word(State& state, uint64_t address) const {
  if (address % kWord != 0) return fail(ErrorCode::corrupt, "{:#x} is not an aligned stack address", address);
  TRY_VOID(enter_stack(state, address, kWord));
  return memory_->read<uint64_t>(address);
}

Result<> FrameWalker::find_caller(State& state, const Error& why) {
  if (find_by_call(state)) return {};
  const uint64_t lost_at = state.ip;
  const bool known_code = code_->holds(state.interrupted ? state.ip : state.ip - 1);
  state.reliable = false;
  std::string_view how = "the frame pointer";
  if (known_code || !guess_by_frame_pointer(state)) {
    how = "a search of the stack";
    while (!guess_by_search(state)) {
      if (!leave_stack(state)) return std::unexpected(why);
      // Registers that the processor saved need no search.
      if (state.interrupted) break;
    }
  }
  if (trace_.fallback.empty())
    trace_.fallback = fmt::format("{}; from {:#x} on by {}", why.message, lost_at, how);
  return {};
}

bool FrameWalker::guess_by_frame_pointer(State& state) {
  State caller = state;
  if (state.bp < state.sp) return false;
  const auto ip = stack_word(caller, state.bp + kWord);
  // On the same stack: another stack is entered only by means of the tables.
  if (!ip || !state.stack || caller.stack != state.stack || !code_->follows_call(*ip)) return false;
  const auto bp = stack_word(caller, state.bp);
  if (!bp) return false;
  caller.ip = *ip;
  caller.sp = state.bp + 2 * kWord;
  caller.bp = *bp;
  caller.interrupted = false;
  caller.registers.reset();
  caller.full_registers.reset();
  state = std::move(caller);
  return true;
}

bool FrameWalker::may_search(State& state) const {
  // On another stack than the pointer's the search would have no start and could loop.
  return enter_stack(state, state.sp, kWord).has_value();
}

std::optional<FrameWalker::State> FrameWalker::returned_from(State& state, uint64_t at) const {
  const auto word = stack_word(state, at);
  if (!word || !code_->follows_call(*word)) return std::nullopt;
  State caller = state;
  caller.ip = *word;
  caller.sp = at + kWord;
  caller.interrupted = false;
  caller.registers.reset();
  caller.full_registers.reset();
  return caller;
}

bool FrameWalker::find_by_call(State& state) {
  if (!may_search(state) || (code_->is_trampoline(state.ip) && !state.interrupted)) return false;
  const auto callee = code_->function_start(state.interrupted ? state.ip : state.ip - 1);
  if (!callee) return false;
  // No function's frame is as large; and what is searched for every frame must not be the whole stack.
  constexpr uint64_t kFarthest = 4096;
  const uint64_t from = align_up(state.sp, kWord);
  for (uint64_t at = from; at - from < kFarthest && state.stack->holds(at, kWord); at += kWord) {
    const auto caller = returned_from(state, at);
    if (!caller || code_->called_before(caller->ip) != callee || !leads_on(*caller)) continue;
    state = *std::move(caller);
    return true;
  }
  return false;
}

bool FrameWalker::guess_by_search(State& state) {
  if (!may_search(state)) return false;
  std::optional<State> first;
  bool good = false;
  for (uint64_t at = align_up(state.sp, kWord); !good && state.stack->holds(at, kWord); at += kWord) {
    const auto caller = returned_from(state, at);
    if (!caller) continue;
    // An address without further frames is most likely left over from a call that has already returned.
    good = only_list_ || leads_on(*caller);
    if (!first || good) first = caller;
  }
  if (!first) return false;
  only_list_ = only_list_ || !good;
  state = *std::move(first);
  return true;
}

bool FrameWalker::leads_on(State state) {
  constexpr int kSteps = 4;
  for (int count = 0; count < kSteps; ++count) {
    const auto moved = step(state);
    if (!moved) return false;
    if (*moved == Step::end || is_user_mode(state.registers)) return true;
    if (!(state.interrupted ? code_->holds(state.ip) : code_->follows_call(state.ip))) return false;
  }
  return true;
}

bool FrameWalker::leave_stack(State& state) {
  if (!state.stack || !state.stack->cpu) return false;
  State outer = state;
  outer.registers.reset();
  outer.full_registers.reset();
  const uint64_t end = state.stack->end;
  outer.interrupted = state.stack->kind != StackKind::irq;
  if (outer.interrupted) {
    // What the processor stored there.
    if (!read_registers(outer, end - kIretBytes, false)) return false;
    if (!is_user_mode(outer.registers) && !code_->holds(outer.ip)) return false;
  } else {
    // What the kernel stored there before it switched to it.
    const auto pointer = stack_word(outer, end - kWord);
    if (!pointer || *pointer % kWord != 0) return false;
    outer.sp = *pointer;
  }
  outer.bp = 0;
  // To another stack that was not visited before: otherwise this could loop for ever.
  if (!is_user_mode(outer.registers) && (!enter_stack(outer, outer.sp, kWord) || outer.stack == state.stack))
    return false;
  state = std::move(outer);
  return true;
}

}  // namespace lifeboat::x86_64
