// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/unwind.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/vmcore/cpu_registers.h"
#include "src/vmcore/x86_64/x86_64_architecture.h"
#include "tests/support/fake_stacks.h"

namespace lifeboat::test {
namespace {

using namespace x86_64;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<uint64_t> addresses(const Backtrace& trace) {
  std::vector<uint64_t> found;
  for (const Frame& frame : trace.frames) found.push_back(frame.address);
  return found;
}

// leaf, called by middle (8 bytes of its own), called by the first function of a thread.
class Unwind : public testing::Test {
 protected:
  Unwind() {
    leaf = kernel.add_function(orc_call(8));
    middle = kernel.add_function(orc_call(16));
    outer = kernel.add_function(orc_end());
    in_middle = kernel.call(middle, leaf);
    in_outer = kernel.call(outer, middle);
    sp = kernel.task.end - 64;
    kernel.push(sp, {in_middle, 0x1111, in_outer});
  }
  FakeStacks kernel;
  uint64_t leaf = 0, middle = 0, outer = 0, in_middle = 0, in_outer = 0, sp = 0;
};

TEST_F(Unwind, FollowsCallsToTheEnd) {
  const Backtrace trace = kernel.walk_task(leaf + 4, sp);
  EXPECT_THAT(addresses(trace), ElementsAre(leaf + 4, in_middle, in_outer));
  EXPECT_EQ(trace.end, "");
  EXPECT_EQ(trace.fallback, "");
  EXPECT_FALSE(trace.user);
  EXPECT_EQ(trace.frames[1].stack_pointer, sp + 8);
  EXPECT_EQ(trace.frames[2].stack_pointer, sp + 24);
  for (const Frame& frame : trace.frames) {
    EXPECT_TRUE(frame.reliable);
    EXPECT_FALSE(frame.interrupted);
    EXPECT_EQ(frame.stack, kTaskStack);
  }
}

TEST_F(Unwind, FollowsFramePointersAndRestoresThem) {
  const uint64_t framed = kernel.add_function(orc_call_by_bp());
  const uint64_t in_framed = kernel.call(framed, leaf);
  const uint64_t bottom = kernel.task.end - 256, first_bp = bottom + 64, second_bp = first_bp + 32;
  kernel.push(bottom, {in_framed});
  kernel.push(first_bp, {second_bp, in_framed});
  kernel.push(second_bp, {0, in_outer});
  const Backtrace trace = kernel.walk_task(leaf + 4, bottom, first_bp);
  EXPECT_THAT(addresses(trace), ElementsAre(leaf + 4, in_framed, in_framed, in_outer));
  EXPECT_EQ(trace.end + trace.fallback, "");
}

TEST_F(Unwind, CallAtTheVeryEndOfAFunctionBelongsToIt) {
  // The return address is that of the next function, whose frame is another one.
  const uint64_t caller = kernel.add_function(orc_call(16));
  const uint64_t next = kernel.add_function(orc_call(800));
  kernel.push(sp, {0x2222, in_outer});
  const Backtrace trace = kernel.walk_task(next, sp);
  EXPECT_EQ(caller + kFakeFunctionBytes, next);
  EXPECT_THAT(addresses(trace), ElementsAre(next, in_outer));
}

TEST_F(Unwind, EndsInUserModeAndKeepsItsRegisters) {
  const uint64_t entry = kernel.add_function({8, 0, 0x0305});  // registers that nothing interrupted
  Registers user;
  user.ip = 0x401000;
  user.sp = 0x7ffc00001000;
  user.cs = 0x33;
  user.r15 = 15;
  const uint64_t place = kernel.task.end - uint64_t{21} * 8;
  kernel.push_registers(place, user);
  const Backtrace trace = kernel.walk_task(kernel.call(entry, leaf), place - 8);
  EXPECT_EQ(trace.frames.size(), 1u);
  EXPECT_EQ(trace.end, "");
  ASSERT_TRUE(trace.user);
  EXPECT_EQ(trace.user->instruction_pointer, user.ip);
  EXPECT_EQ(trace.user->value("r15"), 15u);
}

TEST_F(Unwind, ACpuInUserModeHasNoKernelFrames) {
  UnwindStart start{.ip = 0x401000, .sp = 0x7ffc00001000, .interrupted = true};
  start.registers.emplace();
  start.registers->cs = 0x33;
  const Backtrace trace = kernel.walk(start);
  EXPECT_TRUE(trace.frames.empty());
  EXPECT_TRUE(trace.user);
}

// What an interrupt does: registers on the task's stack, then to the stack of interrupts.
class UnwindInterrupt : public Unwind {
 protected:
  UnwindInterrupt() {
    handler = kernel.add_function(orc_indirect(8));
    entry = kernel.add_function(orc_registers());
    in_entry = kernel.call(entry, handler);
    Registers saved;
    saved.ip = middle + 0x20;  // not behind a call
    saved.sp = kernel.task.end - 128;
    saved.cs = 0x10;
    saved.bp = 0x77;
    kernel.push(saved.sp, {0x1111, in_outer});
    registers_at = kernel.task.end - 512;
    kernel.push_registers(registers_at, saved);
    kernel.push(registers_at - 8, {in_entry});
    top = kernel.irq.end - 8;
    kernel.push(top, {registers_at - 8});
    start.ip = handler + 0x10;
    start.sp = top;
    start.interrupted = true;
    start.task_stack = kernel.task;
  }
  uint64_t handler = 0, entry = 0, in_entry = 0, registers_at = 0, top = 0;
  UnwindStart start;
};

TEST_F(UnwindInterrupt, LeadsOverBothStacks) {
  const Backtrace trace = kernel.walk(start);
  EXPECT_THAT(addresses(trace), ElementsAre(handler + 0x10, in_entry, middle + 0x20, in_outer));
  EXPECT_EQ(trace.end + trace.fallback, "");
  EXPECT_EQ(trace.frames[0].stack, "IRQ");
  EXPECT_EQ(trace.frames[1].stack, "task");
  EXPECT_FALSE(trace.frames[1].registers);
  ASSERT_TRUE(trace.frames[2].registers);
  EXPECT_TRUE(trace.frames[2].interrupted);
  EXPECT_EQ(trace.frames[2].registers->value("bp"), 0x77u);
}

TEST_F(UnwindInterrupt, OldTablesMeanThePlaceByTheOffset) {
  // [sp + 8] before 5.12, with the flags of those kernels.
  FakeStacks old;
  old.version = OrcVersion::first;
  const uint64_t switched = old.add_function({8, 0, 0x0009});
  const uint64_t last = old.add_function({0, 0, 0x0400});
  const uint64_t in_last = old.call(last, switched);
  old.push(old.task.end - 64, {in_last});
  old.push(old.irq.end - 32, {0x5555, old.task.end - 56});
  UnwindStart begin{.ip = switched + 8, .sp = old.irq.end - 32, .interrupted = true};
  begin.task_stack = old.task;
  EXPECT_THAT(addresses(old.walk(begin)), ElementsAre(switched + 8, in_last));
  // [sp] + 8 since.
  old.push(old.irq.end - 32, {old.task.end - 64, 0x5555});
  EXPECT_THAT(addresses(old.walk(begin)), ElementsAre(switched + 8, in_last));
}

TEST_F(UnwindInterrupt, ATaskThatSleptIsOnNoCpusStack) {
  start.slept = true;
  const Backtrace trace = kernel.walk(start);
  EXPECT_EQ(trace.frames.size(), 1u);
  EXPECT_THAT(trace.end, HasSubstr("not on a stack"));
}

TEST_F(UnwindInterrupt, NeverToAnotherCpusStack) {
  kernel.push(top, {kernel.other_irq.end - 64});
  const Backtrace trace = kernel.walk(start);
  EXPECT_EQ(trace.frames.size(), 1u);
  EXPECT_THAT(trace.end, HasSubstr("not on a stack"));
}

TEST_F(UnwindInterrupt, NoStackIsEnteredTwice) {
  // The registers lead back to the stack of interrupts.
  Registers saved;
  saved.ip = middle + 0x20;
  saved.sp = kernel.irq.end - 128;
  saved.cs = 0x10;
  kernel.push_registers(registers_at, saved);
  const Backtrace trace = kernel.walk(start);
  EXPECT_THAT(addresses(trace), ElementsAre(handler + 0x10, in_entry, middle + 0x20));
  EXPECT_NE(trace.end, "");
}

TEST_F(UnwindInterrupt, TheSearchGoesOnOnTheStackBelow) {
  const uint64_t frameless = kernel.add_function(orc_undefined());
  start.ip = frameless + 4;
  const Backtrace trace = kernel.walk(start);
  EXPECT_THAT(addresses(trace), ElementsAre(frameless + 4, in_entry, middle + 0x20, in_outer));
  EXPECT_FALSE(trace.frames[1].reliable);
  EXPECT_NE(trace.fallback, "");
}

TEST_F(UnwindInterrupt, AStackThatLeadsToItselfIsNotLeft) {
  start.ip = kernel.add_function(orc_undefined()) + 4;
  kernel.push(top, {top - 64});
  const Backtrace trace = kernel.walk(start);
  EXPECT_EQ(trace.frames.size(), 1u);
  EXPECT_NE(trace.end, "");
}

TEST_F(UnwindInterrupt, NmiBeforeTheEntryHadDoneAnything) {
  // All registers at first, then only those for iret, in code that had the stack pointer in r10.
  const uint64_t by_r10 = kernel.add_function({0, 0, 0x0206});
  const uint64_t nmi_entry = kernel.add_function(orc_partial_registers());
  const uint64_t nmi_frame = kernel.nmi.end - 40;
  kernel.push(nmi_frame, {by_r10 + 4, 0x10, 0, kernel.task.end - 256, 0x18});
  kernel.push(kernel.task.end - 136, {in_outer});
  UnwindStart nmi{.ip = nmi_entry + 4, .sp = nmi_frame, .interrupted = true};
  nmi.registers.emplace();
  nmi.registers->r10 = kernel.task.end - 128;
  nmi.task_stack = kernel.task;
  const Backtrace trace = kernel.walk(nmi);
  EXPECT_THAT(addresses(trace), ElementsAre(nmi_entry + 4, by_r10 + 4, in_outer));
  EXPECT_EQ(trace.frames[0].stack, "NMI");
  ASSERT_TRUE(trace.frames[1].registers);
  EXPECT_FALSE(trace.frames[1].registers->complete);
}

TEST_F(Unwind, ACallOfNothing) {
  UnwindStart start{.ip = 0, .sp = sp, .interrupted = true};
  start.task_stack = kernel.task;
  const Backtrace trace = kernel.walk(start);
  EXPECT_THAT(addresses(trace), ElementsAre(0, in_middle, in_outer));
  EXPECT_EQ(trace.end + trace.fallback, "");
}

TEST_F(Unwind, FunctionWithoutAFrameIsLeftByTheCallOfIt) {
  const uint64_t frameless = kernel.add_function(orc_undefined());
  const uint64_t in_caller = kernel.call(middle, frameless);
  // A leftover before the true one, which even leads on.
  kernel.push(sp - 128, {0x1, in_outer, 0x2, in_caller, 0x1111, in_outer});
  const Backtrace trace = kernel.walk_task(frameless + 8, sp - 128);
  EXPECT_THAT(addresses(trace), ElementsAre(frameless + 8, in_caller, in_outer));
  EXPECT_EQ(trace.end + trace.fallback, "");
  EXPECT_TRUE(trace.frames[1].reliable);
}

TEST_F(Unwind, OtherwiseTheSearchIsMarkedAndNamed) {
  const uint64_t frameless = kernel.add_function(orc_undefined());
  // Text, but no call; a call that leads nowhere; then the one.
  kernel.push(sp - 64, {middle + 3, in_middle, 0x3, 0x4, in_middle, 0x1111, in_outer});
  const Backtrace trace = kernel.walk_task(frameless + 8, sp - 64);
  EXPECT_THAT(addresses(trace), ElementsAre(frameless + 8, in_middle, in_outer));
  EXPECT_EQ(trace.frames[1].stack_pointer, sp - 64 + 40);
  EXPECT_TRUE(trace.frames[0].reliable);
  EXPECT_FALSE(trace.frames[1].reliable);
  EXPECT_FALSE(trace.frames[2].reliable);
  EXPECT_THAT(trace.fallback, HasSubstr("search of the stack"));
}

TEST_F(Unwind, UnknownCodeIsLeftByTheFramePointer) {
  const uint64_t program = kFakeCode - 0x10000;  // in no range
  const uint64_t bp = sp - 64;
  kernel.push(sp - 128, {in_middle, 0, in_outer});
  kernel.push(bp, {0x9, in_middle, 0x1111, in_outer});
  const Backtrace trace = kernel.walk_task(program, sp - 128, bp);
  EXPECT_THAT(addresses(trace), ElementsAre(program, in_middle, in_outer));
  EXPECT_EQ(trace.frames[1].stack_pointer, bp + 16);
  EXPECT_FALSE(trace.frames[0].reliable);
  EXPECT_FALSE(trace.frames[1].reliable);
  EXPECT_THAT(trace.fallback, HasSubstr("frame pointer"));
}

TEST_F(Unwind, ATracersReturnAddressIsNotBelieved) {
  const uint64_t tracer = kernel.add_function(orc_end());
  kernel.trampolines.push_back(tracer);
  kernel.push(sp, {tracer, 0x7, in_middle, 0x1111, in_outer});
  const Backtrace trace = kernel.walk_task(leaf + 4, sp);
  EXPECT_THAT(addresses(trace), ElementsAre(leaf + 4, tracer, in_middle, in_outer));
  EXPECT_FALSE(trace.frames[1].reliable);
  EXPECT_THAT(trace.fallback, HasSubstr("tracer"));
}

TEST_F(Unwind, WithoutTablesAllIsSearched) {
  kernel.with_tables = false;
  const Backtrace trace = kernel.walk_task(leaf + 4, sp);
  EXPECT_THAT(addresses(trace), ElementsAre(leaf + 4, in_middle, in_outer));
  EXPECT_FALSE(trace.frames[1].reliable);
  EXPECT_FALSE(trace.frames[2].reliable);
  EXPECT_THAT(trace.fallback, HasSubstr("no unwind table"));
  EXPECT_NE(trace.end, "");
}

TEST_F(Unwind, AtMostSoManyFrames) {
  const uint64_t recursive = kernel.add_function(orc_call(8));
  const uint64_t in_itself = kernel.call(recursive, recursive);
  kernel.push(kernel.task.begin, std::vector<uint64_t>(2048, in_itself));
  const Backtrace trace = kernel.walk_task(recursive + 4, kernel.task.begin);
  EXPECT_EQ(trace.frames.size(), kMaxFrames);
  EXPECT_THAT(trace.end, HasSubstr("256"));
}

TEST_F(Unwind, NeverDownTheStack) {
  const uint64_t backwards = kernel.add_function({-32, 0, 0x0205});
  kernel.push(sp - 40, {kernel.call(backwards, leaf)});
  const Backtrace trace = kernel.walk_task(backwards + 4, sp);
  // What was found by the search is above.
  for (size_t index = 1; index < trace.frames.size(); ++index)
    EXPECT_GT(trace.frames[index].stack_pointer, trace.frames[index - 1].stack_pointer);
  EXPECT_THAT(trace.end + trace.fallback, HasSubstr("down"));
}

TEST_F(Unwind, PointersThatAreNone) {
  for (const uint64_t wrong : {uint64_t{0}, uint64_t{8}, sp + 1, kernel.task.begin - 8, kernel.task.end,
                               kernel.irq.end - 64, ~uint64_t{0}, ~uint64_t{7}, uint64_t{1} << 63}) {
    const Backtrace trace = kernel.walk_task(leaf + 4, wrong);
    EXPECT_EQ(trace.frames.size() == 1 && !trace.end.empty(), wrong != sp + 1) << wrong;
    if (wrong == sp + 1) {
      EXPECT_NE(trace.fallback, "");
    }
  }
}

TEST_F(Unwind, AnUnreadableStackIsReported) {
  kernel.fake.memory().fail_page(FakeKernel::to_physical(sp), ErrorCode::excluded);
  const Backtrace trace = kernel.walk_task(leaf + 4, sp);
  EXPECT_EQ(trace.frames.size(), 1u);
  EXPECT_THAT(trace.end, HasSubstr("made to fail"));
}

TEST(StackMap, StacksThatOverlapOrWrapAreLeftOut) {
  const StackMap map({{StackKind::irq, 0x4000, 0x8000, 0},
                      {StackKind::nmi, 0x6000, 0xa000, 0},
                      {StackKind::debug, 0x9000, 0x1000, 0},
                      {StackKind::irq, 0xa000, 0xb000, 1}});
  EXPECT_EQ(map.find(0x3fff), nullptr);
  EXPECT_EQ(map.find(0x4000)->kind, StackKind::irq);
  EXPECT_EQ(map.find(0x7fff)->kind, StackKind::irq);
  EXPECT_EQ(map.find(0x8000), nullptr);
  EXPECT_EQ(map.find(0xa000)->cpu, 1u);
  EXPECT_FALSE(map.task_stack(~uint64_t{0} - 100).holds(~uint64_t{0} - 50, 8));
  EXPECT_TRUE(map.task_stack_around(0x5008).holds(0x7ff8, 8));
}

std::vector<std::byte> prstatus_note(int32_t pid, size_t bytes) {
  std::vector<std::byte> note(12 + 8 + align_up(bytes, 4));
  const auto put = [&note](size_t offset, auto value) { std::memcpy(&note[offset], &value, sizeof value); };
  put(0, uint32_t{5});
  put(4, static_cast<uint32_t>(bytes));
  put(8, uint32_t{NT_PRSTATUS});
  std::memcpy(&note[12], "CORE", 5);
  if (bytes >= 336) {
    put(20 + 32, pid);
    for (uint64_t index = 0; index < 27; ++index) put(20 + 112 + index * 8, 100 + index);
  }
  return note;
}

TEST(CpuRegisters, OfPrstatusNotes) {
  auto notes = prstatus_note(42, 336);
  const auto cut = prstatus_note(43, 200);
  notes.insert(notes.end(), cut.begin(), cut.end());
  const auto found = parse_prstatus_notes(architecture(), notes);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].pid, 42);
  EXPECT_EQ(found[0].registers.value("r15"), 100u);
  EXPECT_EQ(found[0].registers.value("bp"), 104u);
  EXPECT_EQ(found[0].registers.value("ip"), 116u);
  EXPECT_EQ(found[0].registers.value("cs"), 117u);
  EXPECT_EQ(found[0].registers.value("sp"), 119u);
  EXPECT_EQ(found[0].registers.value("ss"), 120u);
  EXPECT_EQ(found[0].registers.values.size(), 21u);
  EXPECT_EQ(found[0].registers.instruction_pointer, 116u);
  EXPECT_EQ(found[0].registers.stack_pointer, 119u);
  EXPECT_TRUE(found[0].registers.user_mode);  // 117 & 3
  EXPECT_TRUE(found[0].registers.interrupts_off);
  EXPECT_TRUE(found[0].registers.complete);
  EXPECT_TRUE(parse_prstatus_notes(architecture(), {}).empty());
}

}  // namespace
}  // namespace lifeboat::test
