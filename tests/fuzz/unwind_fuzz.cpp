// SPDX-License-Identifier: GPL-2.0-or-later
// Sixteen functions with ORC entries from the input (6 bytes each), then what lies on the stacks, three bytes
// a word: what it is (a return address, a place on one of the stacks, a number) and which.
#include <array>
#include <cstring>

#include "tests/support/fake_stacks.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lifeboat;
  using namespace lifeboat::x86_64;
  constexpr size_t kFunctions = 16, kHead = 4, kWordBytes = 3;
  if (size < kHead + kFunctions * sizeof(RawOrcEntry)) return 0;
  static test::FakeStacks kernel;
  kernel.reset();
  kernel.version = static_cast<OrcVersion>(data[0] % 4);
  const uint8_t how = data[1];
  const uint8_t first_function = data[2] % kFunctions, depth = data[3];
  data += kHead;
  std::vector<uint64_t> returns;
  for (size_t index = 0; index < kFunctions; ++index, data += sizeof(RawOrcEntry)) {
    RawOrcEntry entry;
    std::memcpy(&entry, data, sizeof entry);
    returns.push_back(kernel.add_function(entry));
  }
  for (size_t index = 0; index < kFunctions; ++index)
    returns[index] = kernel.call(returns[index], returns[(index + 1) % kFunctions]);
  size -= kHead + kFunctions * sizeof(RawOrcEntry);
  const std::array<Stack, 4> stacks = {kernel.task, kernel.irq, kernel.nmi, kernel.other_irq};
  std::array<std::vector<uint64_t>, 4> words;
  for (; size >= kWordBytes; data += kWordBytes, size -= kWordBytes) {
    const uint64_t number = data[1] | uint64_t{data[2]} << 8;
    const unsigned kind = data[0] % 8;
    const uint64_t word = kind < 3   ? returns[number % kFunctions]
                          : kind < 7 ? stacks[kind - 3].end - number % 2049 * 8
                                     : number;
    auto& stack = words[data[0] / 8 % stacks.size()];
    if (stack.size() < 2048) stack.push_back(word);
  }
  for (size_t index = 0; index < stacks.size(); ++index)
    if (!words[index].empty()) kernel.push(stacks[index].end - words[index].size() * 8, words[index]);

  kernel.with_tables = (how & 1) == 0;
  if ((how & 2) != 0) kernel.trampolines.push_back(returns[0]);
  UnwindStart start{.ip = returns[first_function], .bp = kernel.task.end - 64, .interrupted = (how & 4) != 0};
  start.sp = stacks[how >> 3 & 3].end - uint64_t{depth} * 8;
  if ((how & 32) != 0) start.task_stack = kernel.task;
  start.slept = (how & 64) != 0;
  if ((how & 128) != 0) {
    start.registers.emplace();
    start.registers->r10 = start.registers->di = start.registers->dx = kernel.task.end - 256;
  }
  const Backtrace trace = kernel.walk(start);
  if (trace.frames.size() > kMaxFrames) __builtin_trap();
  for (const Frame& frame : trace.frames) {
    // Whatever is not certain has a reason.
    if (!frame.reliable && trace.fallback.empty() && trace.end.empty()) __builtin_trap();
  }
  return 0;
}
