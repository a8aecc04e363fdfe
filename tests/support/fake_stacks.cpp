// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/fake_stacks.h"

#include "tests/support/usual_page_size.h"

namespace lifeboat::test {

using namespace x86_64;

FakeStacks::FakeStacks() : memory_(fake.open()) {
  tables_.ips = fake.allocate(kPageSize);
  tables_.entries = fake.allocate(kPageSize);
  task = make_stack(StackKind::task, std::nullopt);
  irq = make_stack(StackKind::irq, 0);
  nmi = make_stack(StackKind::nmi, 0);
  other_irq = make_stack(StackKind::irq, 1);
}

void FakeStacks::reset() {
  entries_.clear();
  trampolines.clear();
  for (const Stack& stack : {task, irq, nmi, other_irq})
    fake.write(stack.begin, std::vector<std::byte>(stack.end - stack.begin));
}

Stack FakeStacks::make_stack(StackKind kind, std::optional<uint32_t> cpu) {
  constexpr uint64_t kBytes = 16384;
  const uint64_t begin = fake.allocate(kBytes);
  fake.allocate(kPageSize);  // keeps them apart
  return {kind, begin, begin + kBytes, cpu};
}

uint64_t FakeStacks::add_function(const RawOrcEntry& entry) {
  const uint64_t begin = kFakeCode + entries_.size() * kFakeFunctionBytes;
  entries_.push_back({begin, entry});
  fake.write(begin, std::vector<std::byte>(kFakeFunctionBytes, std::byte{0x90}));
  return begin;
}

uint64_t FakeStacks::call(uint64_t function, uint64_t callee) {
  const uint64_t back = function + kFakeFunctionBytes / 2;
  const uint8_t operation = 0xe8;
  fake.write(back - 5, object_bytes(operation));
  fake.write32(back - 4, static_cast<uint32_t>(callee - back));
  return back;
}

void FakeStacks::push(uint64_t address, const std::vector<uint64_t>& words) {
  fake.write(address, std::as_bytes(std::span(words)));
}

void FakeStacks::push_registers(uint64_t address, const Registers& r) {
  push(address, {r.r15, r.r14, r.r13, r.r12, r.bp,      r.bx, r.r11, r.r10,   r.r9, r.r8, r.ax,
                 r.cx,  r.dx,  r.si,  r.di,  r.orig_ax, r.ip, r.cs,  r.flags, r.sp, r.ss});
}

std::optional<uint64_t> FakeStacks::function_at(uint64_t address) const {
  if (address < kFakeCode || address >= kFakeCode + entries_.size() * kFakeFunctionBytes) return std::nullopt;
  return align_down(address, kFakeFunctionBytes);
}

Backtrace FakeStacks::walk(UnwindStart start) {
  const uint64_t end = kFakeCode + entries_.size() * kFakeFunctionBytes;
  tables_.count = entries_.size();
  write_orc_at(fake, tables_, entries_);
  CodeMap code(memory_);
  std::shared_ptr<OrcTable> table;
  if (with_tables) {
    if (auto opened = OrcTable::create(memory_, tables_, version))
      table = std::make_shared<OrcTable>(*std::move(opened));
  }
  code.add(kFakeCode, end, table);
  code.set_function_start([this](uint64_t address) { return function_at(address); });
  for (const uint64_t trampoline : trampolines) code.add_trampoline(trampoline);
  const StackMap stacks({irq, nmi, other_irq});
  return FrameWalker(memory_, code, stacks, start).walk();
}

Backtrace FakeStacks::walk_task(uint64_t ip, uint64_t sp, uint64_t bp) {
  UnwindStart start{.ip = ip, .sp = sp, .bp = bp};
  start.task_stack = task;
  start.slept = true;
  return walk(start);
}

RawOrcEntry orc_call(int16_t sp_offset) {
  return {sp_offset, 0, 0x0205};
}
RawOrcEntry orc_call_by_bp() {
  return {16, -16, 0x0214};
}
RawOrcEntry orc_indirect(int16_t sp_offset) {
  return {sp_offset, 0, 0x0209};
}
RawOrcEntry orc_registers(int16_t sp_offset) {
  return {sp_offset, 0, 0x0b05};
}
RawOrcEntry orc_partial_registers(int16_t sp_offset) {
  return {sp_offset, 0, 0x0c05};
}
RawOrcEntry orc_end() {
  return {0, 0, 0x0100};
}
RawOrcEntry orc_undefined() {
  return {};
}

}  // namespace lifeboat::test
