// SPDX-License-Identifier: GPL-2.0-or-later
// The stacks of a dump are those that /proc/PID/stack showed; the modules and their symbols those of
// /proc/modules and /proc/kallsyms.
#include "src/vmcore/x86_64/stacks.h"

#include <algorithm>
#include <map>
#include <sstream>

#include "src/vmcore/cpu_registers.h"
#include "src/vmcore/module_symbols.h"
#include "src/vmcore/unwind.h"
#include "src/vmcore/x86_64/pt_regs.h"
#include "tests/oracle/oracle.h"

namespace lifeboat::test {
namespace {

class StacksOracle : public testing::TestWithParam<std::filesystem::path> {
 protected:
  void SetUp() override {
    opened_ = open_oracle(GetParam());
    ASSERT_TRUE(opened_);
    kallsyms_ = keep(Kallsyms::read(opened_->kernel));
    ASSERT_TRUE(kallsyms_);
    types_ = keep(KernelTypes::read(opened_->kernel, *kallsyms_));
    ASSERT_TRUE(types_);
    modules_ = keep(ModuleList::read(opened_->kernel, *kallsyms_, *types_));
    tasks_ = keep(read_tasks(opened_->kernel, *types_, *kallsyms_));
    auto unwinder = opened_->kernel.architecture().unwinder(opened_->kernel, *types_, *kallsyms_);
    ASSERT_TRUE(unwinder) << unwinder.error().to_string();
    unwinder_ = *std::move(unwinder);
    ASSERT_TRUE(modules_ && tasks_);
    symbols_ = std::make_unique<Symbols>(opened_->kernel, *kallsyms_, types_.get(), modules_.get());
    EXPECT_TRUE(unwinder_->notes().empty()) << unwinder_->notes().front();
  }

  template <typename T>
  static std::unique_ptr<T> keep(Result<T> result) {
    if (result) return std::make_unique<T>(*std::move(result));
    ADD_FAILURE() << result.error().to_string();
    return nullptr;
  }

  // "schedule+0x27/0xd0 [module]" may be any of the addresses that have the name.
  [[nodiscard]] bool is_at(const std::string& place, uint64_t address) const {
    const std::string name = place.substr(0, place.find('+'));
    const uint64_t offset = std::stoull(place.substr(place.find('+') + 1), nullptr, 16);
    return std::ranges::any_of(symbols_->find(name),
                               [&](const Symbol& symbol) { return symbol.address + offset == address; });
  }
  [[nodiscard]] std::string name(uint64_t address) const {
    const auto found = symbols_->at(address - 1);
    return found ? fmt::format("{}+{:#x}", found->symbol.name, found->offset + 1)
                 : fmt::format("{:#x}", address);
  }

  std::unique_ptr<OracleDump> opened_;
  std::unique_ptr<Kallsyms> kallsyms_;
  std::unique_ptr<KernelTypes> types_;
  std::unique_ptr<ModuleList> modules_;
  std::unique_ptr<Symbols> symbols_;
  std::unique_ptr<TaskList> tasks_;
  std::unique_ptr<Unwinder> unwinder_;
};

// By thread: the lines of its /proc/PID/stack without "[<0>] ".
std::map<int, std::vector<std::string>> stacks_of_facts(const std::filesystem::path& folder) {
  std::map<int, std::vector<std::string>> stacks;
  std::istringstream lines(text_of(folder / "facts/stacks"));
  int pid = -1;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("== "))
      stacks[pid = std::stoi(line.substr(3))];
    else
      stacks[pid].push_back(line.substr(line.find(' ') + 1));
  }
  return stacks;
}

TEST_P(StacksOracle, sleeping_tasks_are_where_they_were) {
  if (!std::filesystem::exists(GetParam() / "facts/stacks")) GTEST_SKIP() << "no stacks were recorded";
  const auto facts = stacks_of_facts(GetParam());
  ASSERT_GT(facts.size(), 30u);
  size_t compared = 0, moved = 0;
  for (const auto& [pid, places] : facts) {
    const auto task = std::ranges::find(tasks_->tasks, pid, &Task::pid);
    // It ended, or ran, between the record and the crash.
    if (task == tasks_->tasks.end() || task->on_cpu || places.empty()) continue;
    const Backtrace trace = unwinder_->sleeping(*task);
    EXPECT_EQ(trace.end, "") << pid << " " << task->comm;
    EXPECT_EQ(trace.fallback, "") << pid << " " << task->comm;
    EXPECT_EQ(trace.user.has_value(), !task->kernel_thread) << pid;
    // The kernel leaves out the innermost functions, those of the scheduler.
    const bool same = trace.frames.size() >= places.size() &&
                      std::ranges::equal(places.rbegin(), places.rend(), trace.frames.rbegin(),
                                         trace.frames.rbegin() + static_cast<ptrdiff_t>(places.size()),
                                         [this](const std::string& place, const Frame& frame) {
                                           return is_at(place, frame.address);
                                         });
    ++compared;
    if (same) continue;
    // Workers are where their last work was.
    if (!task->comm.starts_with("kworker/")) ++moved;
    std::string text;
    for (const Frame& frame : trace.frames) text += name(frame.address) + "\n";
    std::string wanted;
    for (const std::string& place : places) wanted += place + "\n";
    GTEST_LOG_(INFO) << pid << " " << task->comm << " was at\n" << wanted << "is at\n" << text;
  }
  RecordProperty("compared", std::to_string(compared));
  EXPECT_GT(compared, 30u);
  // Some kernel threads will have done something in the meantime.
  EXPECT_LE(moved, 3u);
}

TEST_P(StacksOracle, every_sleeping_task_has_its_whole_stack) {
  for (const Task& task : tasks_->tasks) {
    if (task.on_cpu) continue;
    const Backtrace trace = unwinder_->sleeping(task);
    EXPECT_GE(trace.frames.size(), 3u) << task.pid;
    EXPECT_EQ(trace.end + trace.fallback, "") << task.pid << " " << task.comm;
  }
}

TEST_P(StacksOracle, the_crashed_cpu_is_in_its_panic) {
  const auto saved = read_cpu_registers(opened_->kernel, *kallsyms_, opened_->dump->info().notes);
  ASSERT_TRUE(saved) << saved.error().to_string();
  ASSERT_EQ(saved->size(), 2u);
  size_t panics = 0;
  for (const CpuRegisters& cpu : *saved) {
    ASSERT_TRUE(cpu.registers);
    const auto task = std::ranges::find_if(tasks_->tasks,
                                           [&](const Task& one) { return one.on_cpu && one.cpu == cpu.cpu; });
    ASSERT_NE(task, tasks_->tasks.end());
    EXPECT_EQ(task->pid, cpu.pid);
    const Backtrace trace = unwinder_->running(*cpu.registers, &*task);
    EXPECT_EQ(trace.end + trace.fallback, "");
    std::vector<std::string> functions;
    for (const Frame& frame : trace.frames) {
      const std::string place = name(frame.interrupted ? frame.address + 1 : frame.address);
      functions.push_back(place.substr(0, place.find('+')));
    }
    const auto panic = std::ranges::find(functions, "panic");
    if (panic == functions.end()) continue;
    ++panics;
    EXPECT_EQ(functions.front(), "__crash_kexec");
    EXPECT_EQ(panic[1], "sysrq_handle_crash");
    EXPECT_EQ(functions.back(), "entry_SYSCALL_64_after_hwframe");
    EXPECT_TRUE(trace.user && trace.user->user_mode);
  }
  EXPECT_EQ(panics, 1u);
}

// The CPUs that did not crash were stopped by an NMI, and its stack still holds that they were.
TEST_P(StacksOracle, an_nmi_leads_to_what_it_interrupted) {
  const auto saved = read_cpu_registers(opened_->kernel, *kallsyms_, opened_->dump->info().notes).value();
  const auto stacks = x86_64::StackMap::read(opened_->kernel, *types_, *kallsyms_);
  EXPECT_TRUE(stacks.notes().empty());
  size_t stopped = 0;
  for (const x86_64::Stack& stack : stacks.cpu_stacks()) {
    if (stack.kind != x86_64::StackKind::nmi) continue;
    const CpuRegisters& cpu = saved.at(*stack.cpu);
    for (uint64_t at = stack.begin; at < stack.end; at += 8) {
      x86_64::Registers registers;
      registers.ip = opened_->kernel.read<uint64_t>(at).value();
      registers.sp = at + 8;
      registers.cs = 0x10;
      const std::string place = name(registers.ip);
      if (!place.starts_with("end_repeat_nmi+") && !place.starts_with("asm_exc_nmi+")) continue;
      ++stopped;
      const auto task = std::ranges::find_if(
          tasks_->tasks, [&](const Task& one) { return one.on_cpu && one.cpu == cpu.cpu; });
      ASSERT_NE(task, tasks_->tasks.end());
      const Backtrace trace = unwinder_->running(registers.to_set(), &*task);
      const Backtrace wanted = unwinder_->running(*cpu.registers, &*task);
      EXPECT_EQ(trace.end + trace.fallback, "");
      ASSERT_EQ(trace.frames.size(), wanted.frames.size() + 1);
      EXPECT_EQ(trace.frames[0].stack, "NMI");
      for (size_t index = 0; index < wanted.frames.size(); ++index) {
        EXPECT_EQ(trace.frames[index + 1].address, wanted.frames[index].address);
        EXPECT_EQ(trace.frames[index + 1].stack, wanted.frames[index].stack);
      }
      EXPECT_EQ(trace.frames[1].registers->stack_pointer, cpu.registers->stack_pointer);
      EXPECT_EQ(trace.frames[1].registers->value("r15"), cpu.registers->value("r15"));
      break;
    }
  }
  EXPECT_EQ(stopped, 1u);
}

INSTANTIATE_TEST_SUITE_P(, StacksOracle, testing::ValuesIn(oracle_folders()), oracle_name);
// Without the VM tests' dumps there is nothing to compare with.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StacksOracle);

}  // namespace
}  // namespace lifeboat::test
