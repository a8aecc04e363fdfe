// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/named_stacks.h"

#include <algorithm>

#include "src/inspect/names.h"
#include "src/inspect/signature.h"

namespace lifeboat::inspect {
namespace {

void set_lines(const Session& session, uint64_t address, NamedFrame& frame) {
  if (session.debug_info() == nullptr) return;
  const auto& places = session.debug_info()->at(address);
  if (places.empty()) return;
  frame.inlined.assign(places.begin(), places.end() - 1);
  frame.file = places.back().file;
  frame.line = places.back().line;
}

NamedStack name_stack(const Session& session, Backtrace trace) {
  NamedStack stack;
  stack.end = std::move(trace.end);
  if (!trace.fallback.empty()) stack.end += (stack.end.empty() ? "" : "; ") + trace.fallback;
  stack.frames.reserve(trace.frames.size());
  for (size_t index = 0; index < trace.frames.size(); ++index) {
    const Frame& frame = trace.frames[index];
    NamedFrame named = name_address(session, frame.address, !frame.interrupted);
    named.frame = frame;
    stack.frames.push_back(std::move(named));
  }
  return stack;
}

void set_task(NamedStack& stack, const Task& task) {
  stack.pid = task.pid;
  stack.comm = task.comm;
  stack.cpu = task.cpu;
  stack.state = task.state;
}

const RegisterSet* registers_of(const Session& session, uint32_t cpu) {
  if (!session.registers()) return nullptr;
  for (const auto& saved : *session.registers())
    if (saved.cpu == cpu && saved.registers) return &*saved.registers;
  return nullptr;
}

}  // namespace

std::string NamedFrame::to_string() const {
  std::string text = symbol;
  if (offset) text += fmt::format("+{:#x}", *offset);
  if (offset && size) text += fmt::format("/{:#x}", *size);
  if (!module.empty()) text += fmt::format(" [{}]", module);
  return text;
}

NamedFrame name_address(const Session& session, uint64_t address, bool call_return) {
  // A call that does not return may be the last instruction of its function.
  const uint64_t back = call_return && address != 0 ? 1 : 0;
  NamedFrame named;
  named.frame.address = address;
  set_lines(session, address - back, named);
  auto found = symbol_at(session, address - back);
  if (!found) {
    named.symbol = fmt::format("{:#x}", address);
    return named;
  }
  named.module = std::move(found->symbol.module);
  if (found->symbol.name.empty()) {
    named.symbol = fmt::format("{:#x}", address);
    return named;
  }
  named.symbol = std::move(found->symbol.name);
  named.offset = found->offset + back;
  named.size = found->size;
  named.named = true;
  named.panic_path = is_panic_path(session.kernel()->architecture(), plain_function_name(named.symbol));
  return named;
}

const Task* running_task(const Session& session, uint32_t cpu) {
  if (!session.tasks()) return nullptr;
  const auto& tasks = session.tasks()->tasks;
  const auto found =
      std::ranges::find_if(tasks, [cpu](const Task& task) { return task.on_cpu && task.cpu == cpu; });
  return found == tasks.end() ? nullptr : &*found;
}

Result<NamedStack> stack_of_cpu(const Session& session, uint32_t cpu) {
  if (!session.unwinder()) return std::unexpected(session.unwinder().error());
  if (session.live()) return fail(ErrorCode::not_found, "CPU {} is running: its stack is not available", cpu);
  if (!session.registers()) return std::unexpected(session.registers().error());
  const RegisterSet* registers = registers_of(session, cpu);
  if (registers == nullptr)
    return fail(ErrorCode::not_found, "CPU {} saved no registers when the machine crashed", cpu);
  const Task* task = running_task(session, cpu);
  NamedStack stack = name_stack(session, (*session.unwinder())->running(*registers, task));
  if (task != nullptr) set_task(stack, *task);
  stack.cpu = cpu;
  stack.running = true;
  return stack;
}

Result<NamedStack> stack_of_task(const Session& session, const Task& task) {
  if (task.on_cpu && session.live()) {
    NamedStack stack;
    set_task(stack, task);
    stack.running = true;
    stack.end = "it runs now: its stack changes while it is read";
    return stack;
  }
  if (task.on_cpu) return stack_of_cpu(session, task.cpu);
  if (!session.unwinder()) return std::unexpected(session.unwinder().error());
  NamedStack stack = name_stack(session, (*session.unwinder())->sleeping(task));
  set_task(stack, task);
  return stack;
}

Result<> all_stacks(const Session& session, const std::function<void(const NamedStack&)>& each) {
  if (!session.tasks()) return std::unexpected(session.tasks().error());
  if (!session.unwinder()) return std::unexpected(session.unwinder().error());
  for (const auto& task : session.tasks()->tasks) {
    if (const auto stack = stack_of_task(session, task)) {
      each(*stack);
    } else {
      NamedStack unreadable;
      set_task(unreadable, task);
      unreadable.running = task.on_cpu;
      unreadable.end = stack.error().message;
      each(unreadable);
    }
  }
  if (session.live() || !session.registers()) return {};
  for (const auto& saved : *session.registers()) {
    if (!saved.registers || running_task(session, saved.cpu) != nullptr) continue;
    if (const auto stack = stack_of_cpu(session, saved.cpu)) each(*stack);
  }
  return {};
}

std::optional<uint32_t> panic_cpu(const Session& session) {
  if (session.live() || !session.symbols()) return std::nullopt;
  // crashing_cpu is set on the way into the capture kernel, panic_cpu by panic(); -1: neither came so far.
  for (const auto& address : session.symbols()->addresses_of({"crashing_cpu", "panic_cpu"})) {
    if (!address) continue;
    const auto cpu = session.kernel()->read<int32_t>(*address);
    if (cpu && *cpu >= 0) return static_cast<uint32_t>(*cpu);
  }
  return std::nullopt;
}

}  // namespace lifeboat::inspect
