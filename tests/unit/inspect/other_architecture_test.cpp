// SPDX-License-Identifier: GPL-2.0-or-later
// A dump of an architecture that only these tests have, with other pages, page tables, registers and stacks:
// what reads it knows nothing but the interface.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "src/dump/byte_source.h"
#include "src/inspect/report_text.h"
#include "tests/support/toy_kernel.h"

namespace lifeboat::inspect {
namespace {

using test::toy_prstatus_note;
using test::ToyKernel;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

Session session_of(ToyKernel& kernel, ByteSpan notes = {}) {
  auto dump = Dump::open(memory_byte_source(kernel.kdump(notes), "toy"));
  return Session::over(std::move(dump).value(), &test::toy_architecture());
}

std::vector<std::string> places(const NamedStack& stack) {
  std::vector<std::string> names;
  for (const auto& frame : stack.frames) names.push_back(frame.to_string());
  return names;
}

std::vector<std::pair<std::string, uint64_t>> values(const RegisterSet& registers) {
  std::vector<std::pair<std::string, uint64_t>> all;
  for (const auto& one : registers.values) all.emplace_back(one.name, one.value);
  return all;
}

const Task& task_of(const Session& session, int32_t pid) {
  return *std::ranges::find(session.tasks()->tasks, pid, &Task::pid);
}

TEST(OtherArchitecture, ItsLogIsRead) {
  ToyKernel kernel;
  const Session session = session_of(kernel);
  ASSERT_TRUE(session.kernel()) << session.kernel().error().to_string();
  EXPECT_EQ(session.kernel()->page_size().bytes(), 16384u);
  ASSERT_TRUE(session.log()) << session.log().error().to_string();
  EXPECT_EQ(session.log()->unreadable, 0u);
  std::vector<std::string> lines;
  for (const auto& record : session.log()->records) lines.push_back(record.text);
  EXPECT_THAT(lines, ElementsAre("Linux version 7.0.0-toy",
                                 "Unable to handle kernel NULL pointer dereference at virtual address "
                                 "0000000000002010",
                                 "toy pc: toy_driver_write+0x40/0x100",
                                 "Kernel panic - not syncing: Fatal exception"));
}

TEST(OtherArchitecture, ItsTasksAreRead) {
  ToyKernel kernel;
  const Session session = session_of(kernel);
  ASSERT_TRUE(session.tasks()) << session.tasks().error().to_string();
  EXPECT_THAT(session.tasks()->notes, IsEmpty());
  std::vector<std::string> tasks;
  for (const Task& task : session.tasks()->tasks)
    tasks.push_back(fmt::format("{} {} {} CPU {}{}", task.pid, task.comm, task.state, task.cpu,
                                task.on_cpu ? " running" : ""));
  EXPECT_THAT(tasks, ElementsAre("0 swapper/0 R CPU 0", "0 swapper/1 R CPU 1 running", "1 init S CPU 0",
                                 "5 reader D CPU 0", "7 writer R CPU 0 running"));
  EXPECT_EQ(task_of(session, 5).stack_pointer, kernel.records.at(5).front());
}

TEST(OtherArchitecture, TheStackOfATaskThatSleeps) {
  ToyKernel kernel;
  const Session session = session_of(kernel);
  const auto stack = stack_of_task(session, task_of(session, 5));
  ASSERT_TRUE(stack) << stack.error().to_string();
  EXPECT_THAT(places(*stack),
              ElementsAre("schedule+0x40/0x100", "do_wait+0x40/0x100", "toy_syscall+0x40/0x100"));
  EXPECT_EQ(stack->end, "");
}

TEST(OtherArchitecture, TheStackOfTheCpuThatPanicked) {
  ToyKernel kernel;
  const Session session = session_of(kernel);
  const auto stack = stack_of_cpu(session, 0);
  ASSERT_TRUE(stack) << stack.error().to_string();
  EXPECT_EQ(stack->pid, 7);
  EXPECT_EQ(stack->end, "");
  EXPECT_THAT(places(*stack), ElementsAre("toy_stop+0x40/0x100", "panic+0x40/0x100", "toy_trap+0x40/0x100",
                                          "toy_driver_write+0x40/0x100", "toy_syscall+0x40/0x100"));
  for (const auto& frame : stack->frames) EXPECT_EQ(frame.frame.stack, kTaskStack);
  ASSERT_TRUE(stack->frames[0].frame.registers && stack->frames[3].frame.registers);
  EXPECT_FALSE(stack->frames[1].frame.registers);
  EXPECT_TRUE(stack->frames[0].frame.registers->interrupts_off);
  const RegisterSet& interrupted = *stack->frames[3].frame.registers;
  EXPECT_FALSE(interrupted.interrupts_off);
  EXPECT_FALSE(interrupted.user_mode);
  EXPECT_THAT(values(interrupted),
              ElementsAre(Pair("a0", 0x10), Pair("a1", 0x11), Pair("a2", 0x12), Pair("a3", 0x13),
                          Pair("status", 2), Pair("pc", kernel.inside("toy_driver_write")),
                          Pair("fp", kernel.records.at(7)[5]), Pair("sp", kernel.records.at(7)[4])));
}

TEST(OtherArchitecture, TheReportUsesItsNames) {
  ToyKernel kernel;
  const Session session = session_of(kernel);
  const Report report = make_report(session);
  EXPECT_EQ(report.kind, CrashKind::null_dereference);
  EXPECT_EQ(report.machine.crash->location, "toy_driver_write+0x40/0x100");
  // On the first page of 16 KiB.
  EXPECT_THAT(report.address_meaning, HasSubstr("NULL plus 8208 (0x2010): a member at that offset"));
  EXPECT_EQ(report.panic_frames, 3u);
  EXPECT_EQ(report.interrupts_off, false);
  EXPECT_THAT(report.signature.functions, ElementsAre("toy_driver_write", "toy_syscall"));
  const auto json = report_json(report, "toy");
  EXPECT_EQ(json["stack"]["frames"][3]["symbol"], "toy_driver_write");
  EXPECT_FALSE(json["stack"]["frames"][3].contains("stack"));
}

TEST(OtherArchitecture, WithoutALogItsHandlersShowTheKind) {
  EXPECT_EQ(kind_of_function(test::toy_architecture(), "toy_bad_address"), CrashKind::bad_address);
  EXPECT_EQ(kind_of_function(test::toy_architecture(), "sysrq_handle_crash"), CrashKind::sysrq);
  EXPECT_FALSE(kind_of_function(test::toy_architecture(), "exc_page_fault"));
}

TEST(OtherArchitecture, HasGlobalVariablesOfItsOwn) {
  ToyKernel kernel;
  const Session session = session_of(kernel);
  ASSERT_TRUE(session.types());
  EXPECT_TRUE(session.types()->global_type("toy_state"));
  EXPECT_TRUE(session.types()->global_type("init_task"));
  for (const char* of_another : {"phys_base", "current_task", "cpu_number"})
    EXPECT_TRUE(session.types()->global_type(of_another) == std::nullopt) << of_another;
}

TEST(OtherArchitecture, WithoutCrashNotesTheContainersAreTaken) {
  ToyKernel kernel;
  kernel.write(kernel.crash_note, std::vector<std::byte>(512));
  const auto note =
      toy_prstatus_note(7, {1, 2, 3, 4, 0, kernel.inside("do_wait"), kernel.records.at(7)[5], 0});
  const Session session = session_of(kernel, note);
  const auto stack = stack_of_cpu(session, 0);
  ASSERT_TRUE(stack) << stack.error().to_string();
  EXPECT_THAT(places(*stack), ElementsAre("do_wait+0x40/0x100", "toy_syscall+0x40/0x100"));
}

TEST(OtherArchitecture, ARegisterNoteThatIsTooShortIsNoNote) {
  ToyKernel kernel;
  const std::array<uint64_t, test::toy::kRegisters> registers = {};
  kernel.write(kernel.crash_note, std::vector<std::byte>(512));
  const auto cut = toy_prstatus_note(7, registers, test::toy::kPrstatusBytes - 8);
  kernel.write(kernel.crash_note, cut);
  const Session session = session_of(kernel, cut);
  ASSERT_TRUE(session.registers());
  for (const auto& cpu : *session.registers()) EXPECT_FALSE(cpu.registers);
  const auto stack = stack_of_cpu(session, 0);
  ASSERT_FALSE(stack);
  EXPECT_EQ(stack.error().code, ErrorCode::not_found);
}

// A record of task 5's stack, do_wait()'s, spoiled: the frames before it stand.
class BrokenChain : public testing::Test {
 protected:
  static NamedStack stack_with(uint64_t (*next)(const ToyKernel&)) {
    ToyKernel kernel;
    kernel.write64(kernel.records.at(5)[1], next(kernel));
    const Session session = session_of(kernel);
    return stack_of_task(session, task_of(session, 5)).value();
  }
};

TEST_F(BrokenChain, ALoopEnds) {
  const auto stack = stack_with([](const ToyKernel& kernel) { return kernel.records.at(5)[0]; });
  EXPECT_THAT(places(stack), ElementsAre("schedule+0x40/0x100", "do_wait+0x40/0x100"));
  EXPECT_THAT(stack.end, HasSubstr("is not above"));
}

TEST_F(BrokenChain, ARecordOutsideOfTheStackIsNotRead) {
  const auto other = stack_with([](const ToyKernel& kernel) { return kernel.records.at(7)[5]; });
  EXPECT_EQ(other.frames.size(), 2u);
  EXPECT_THAT(other.end, HasSubstr("is not above"));
  const auto wild = stack_with([](const ToyKernel&) { return ~uint64_t{15}; });
  EXPECT_EQ(wild.frames.size(), 2u);
  const auto null = stack_with([](const ToyKernel&) { return uint64_t{0}; });
  EXPECT_EQ(null.frames.size(), 2u);
  const auto crooked = stack_with([](const ToyKernel& kernel) { return kernel.records.at(5)[2] + 8; });
  EXPECT_EQ(crooked.frames.size(), 2u);
}

TEST(OtherArchitecture, AStackThatIsNotMapped) {
  ToyKernel kernel;
  kernel.memory().write64(ToyKernel::entry_of(kernel.records.at(5).front()), 0);
  const Session session = session_of(kernel);
  const auto stack = stack_of_task(session, task_of(session, 5));
  ASSERT_TRUE(stack);
  EXPECT_THAT(stack->frames, IsEmpty());
  EXPECT_THAT(stack->end, HasSubstr("is not mapped"));
}

TEST(OtherArchitecture, ATaskThatIsNotMappedIsMissingFromTheList) {
  ToyKernel kernel;
  kernel.memory().write64(ToyKernel::entry_of(kernel.tasks.at(5)), 0);
  const Session session = session_of(kernel);
  ASSERT_TRUE(session.tasks());
  std::vector<int32_t> pids;
  for (const Task& task : session.tasks()->tasks) pids.push_back(task.pid);
  EXPECT_THAT(pids, ElementsAre(0, 0, 1, 7));
  EXPECT_THAT(session.tasks()->notes, Contains(HasSubstr("is not mapped")));
}

TEST(OtherArchitecture, NoEntryNoAddress) {
  ToyKernel kernel;
  const auto memory = kernel.open().value();
  const uint64_t code = kernel.symbols.at("panic");
  EXPECT_EQ(memory.translate(code).value(), ToyKernel::to_physical(code));
  // Across a border of pages, whose order in physical memory is another.
  const uint64_t area = kernel.allocate(2 * test::toy::kPageBytes), border = area + test::toy::kPageBytes;
  kernel.write64(border - 4, 0x1122334455667788);
  EXPECT_EQ(memory.read<uint64_t>(border - 4).value(), 0x1122334455667788u);
  for (const uint64_t address :
       {uint64_t{0}, test::toy::kKernelBase - 1, border + test::toy::kPageBytes,
        test::toy::kKernelBase + test::toy::kEntries * test::toy::kPageBytes, ~uint64_t{0}})
    EXPECT_EQ(memory.translate(address).error().code, ErrorCode::not_mapped) << std::hex << address;
}

TEST(OtherArchitecture, PagesOfAnotherSizeAreRefused) {
  ToyKernel kernel;
  for (const char* size : {"4096", "16383", "0", "-1", "x"}) {
    kernel.set_key("PAGESIZE", size);
    EXPECT_EQ(kernel.open().error().code, ErrorCode::corrupt) << size;
  }
  kernel.set_key("PAGESIZE", "16384");
  kernel.remove_key("NUMBER(toy_page_table)");
  EXPECT_EQ(kernel.open().error().code, ErrorCode::not_found);
}

TEST(OtherArchitecture, AnElfCoreIsReadAsWell) {
  ToyKernel kernel;
  auto dump = Dump::open(memory_byte_source(kernel.elf(), "toy"));
  const Session session = Session::over(std::move(dump).value(), &test::toy_architecture());
  ASSERT_TRUE(session.log()) << session.log().error().to_string();
  EXPECT_EQ(session.log()->records.size(), 4u);
  EXPECT_EQ(stack_of_cpu(session, 0).value().frames.size(), 5u);
}

TEST(OtherArchitecture, IsNotAmongThoseOfThisProgram) {
  ToyKernel kernel;
  const Session session = Session::over(Dump::open(memory_byte_source(kernel.kdump(), "toy")).value());
  ASSERT_FALSE(session.kernel());
  EXPECT_EQ(session.kernel().error().code, ErrorCode::unsupported);
  EXPECT_THAT(session.kernel().error().message, HasSubstr("(toy64)"));
  EXPECT_EQ(find_architecture("toy64"), nullptr);
  EXPECT_EQ(find_architecture(""), nullptr);
  ASSERT_NE(find_architecture("x86_64"), nullptr);
  EXPECT_EQ(find_architecture("x86_64"), &default_architecture());
}

}  // namespace
}  // namespace lifeboat::inspect
