// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/btf_builder.h"
#include "tests/support/kallsyms_builder.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Where things are in this kernel's structures.
constexpr uint64_t kState = 0, kFlags = 4, kStack = 8, kOnCpu = 16, kPid = 20, kTgid = 24, kExitState = 28,
                   kTasks = 32, kParent = 48, kSignal = 56, kThreadNode = 64, kComm = 80, kSp = 96, kMm = 104,
                   kCpu = 112, kTaskSize = 128, kThreadHead = 8, kIdle = 8;

BtfBuilder task_btf(const std::string& state_name) {
  BtfBuilder btf;
  const TypeId u32 = btf.integer("unsigned int", 4);
  const TypeId u64 = btf.integer("unsigned long", 8);
  const TypeId letter = btf.integer("char", 1, BtfBuilder::Encoding::is_signed);
  const TypeId pointer = btf.pointer(0);
  const TypeId list = btf.structure("list_head", 16, {{"next", pointer, 0}, {"prev", pointer, 64}});
  const TypeId thread = btf.structure("thread_struct", 8, {{"sp", u64, 0}});
  const TypeId thread_info = btf.structure("thread_info", 8, {{"cpu", u32, 0}});
  const TypeId comm = btf.array(letter, 16);
  btf.structure("task_struct", kTaskSize,
                {{state_name, u32, kState * 8},
                 {"flags", u32, kFlags * 8},
                 {"stack", pointer, kStack * 8},
                 {"on_cpu", u32, kOnCpu * 8},
                 {"pid", u32, kPid * 8},
                 {"tgid", u32, kTgid * 8},
                 {"exit_state", u32, kExitState * 8},
                 {"tasks", list, kTasks * 8},
                 {"real_parent", pointer, kParent * 8},
                 {"signal", pointer, kSignal * 8},
                 {"thread_node", list, kThreadNode * 8},
                 {"comm", comm, kComm * 8},
                 {"thread", thread, kSp * 8},
                 {"mm", pointer, kMm * 8},
                 {"thread_info", thread_info, kCpu * 8}});
  btf.structure("signal_struct", 24, {{"thread_head", list, kThreadHead * 8}});
  btf.structure("rq", 16, {{"idle", pointer, kIdle * 8}});
  return btf;
}

struct FakeTask {
  int32_t pid = 0, tgid = 0, parent = 0;
  std::string comm;
  uint32_t state = 0;
};

// Two CPUs; every task has a page of its own, so that a test can take it away.
class Tasks : public testing::Test {
 protected:
  // The first is init_task. Threads follow their leader.
  void make(const std::vector<FakeTask>& tasks) {
    uint64_t last_leader = 0, last_thread = 0, signal = 0;
    for (const auto& task : tasks) {
      const uint64_t address = fake_.allocate(kPageSize);
      addresses_.emplace(task.pid, address);
      fill(address, task);
      if (task.pid == task.tgid) {
        signal = fake_.allocate(64);
        last_thread = signal + kThreadHead;
        link(last_thread, last_thread);
        if (last_leader != 0) link(last_leader + kTasks, address + kTasks);
        last_leader = address;
      }
      fake_.write64(address + kSignal, signal);
      link(last_thread, address + kThreadNode);
      last_thread = address + kThreadNode;
      link(last_thread, signal + kThreadHead);
    }
    link(last_leader + kTasks, addresses_.at(0) + kTasks);
    for (const auto& task : tasks)
      fake_.write64(addresses_.at(task.pid) + kParent, addresses_.at(task.parent));
    make_cpus();
  }

  void fill(uint64_t address, const FakeTask& task) {
    fake_.write32(address + kState, task.state);
    fake_.write32(address + kPid, static_cast<uint32_t>(task.pid));
    fake_.write32(address + kTgid, static_cast<uint32_t>(task.tgid));
    fake_.write(address + kComm, as_byte_span(task.comm));
    fake_.write64(address + kStack, 0xffffc90000000000);
    fake_.write64(address + kSp, 0xffffc90000001234);
  }

  void make_cpus() {
    idle_ = fake_.allocate(kPageSize);
    fill(idle_, {.comm = "swapper/1"});
    for (const uint64_t idle : {addresses_.at(0), idle_}) {
      const uint64_t data = fake_.allocate(kPageSize);
      fake_.write64(data + kIdle, idle);
      per_cpu_.push_back(data - kRunqueues);
    }
    offsets_ = fake_.allocate(kPageSize);
    for (size_t cpu = 0; cpu < per_cpu_.size(); ++cpu) fake_.write64(offsets_ + cpu * 8, per_cpu_[cpu]);
    mask_ = fake_.allocate(kPageSize);
    fake_.write64(mask_, 3);
  }

  // a -> b
  void link(uint64_t a, uint64_t b) {
    fake_.write64(a, b);
    fake_.write64(b + 8, a);
  }
  [[nodiscard]] uint64_t node(int32_t pid) const { return addresses_.at(pid) + kTasks; }
  void lose(int32_t pid) {
    fake_.memory().fail_page(FakeKernel::to_physical(addresses_.at(pid)), ErrorCode::lost);
  }

  Result<TaskList> read() {
    auto symbols = sample_symbols(fake_);
    const Symbol end = symbols.back();
    symbols.pop_back();
    if (!drop_init_task_) symbols.push_back({"init_task", addresses_.at(0), 'D', ""});
    symbols.push_back({"__per_cpu_offset", offsets_, 'D', ""});
    symbols.push_back({"__cpu_possible_mask", mask_, 'D', ""});
    std::ranges::stable_sort(symbols, {}, &Symbol::address);
    symbols.push_back({"_end", std::max(end.address, symbols.back().address + kPageSize), 'B', ""});
    put_kallsyms(fake_, symbols);
    kernel_.emplace(fake_.open());
    symbols_.emplace(Kallsyms::read(*kernel_).value());
    types_.emplace(KernelTypes::from(task_btf(state_name_).parse()));
    return read_tasks(*kernel_, *types_, *symbols_);
  }
  static std::vector<int32_t> pids(const TaskList& list) {
    std::vector<int32_t> numbers;
    for (const auto& task : list.tasks) numbers.push_back(task.pid);
    return numbers;
  }
  static const Task& task(const TaskList& list, int32_t pid) {
    return *std::ranges::find(list.tasks, pid, &Task::pid);
  }
  void make_five() {
    make({{0, 0, 0, "swapper/0"},
          {1, 1, 0, "init", 1},
          {2, 2, 0, "kthreadd", 1},
          {10, 10, 1, "a", 2},
          {20, 20, 10, "b", 1}});
  }

  static constexpr uint64_t kRunqueues = 0x2000;  // sample_symbols()
  FakeKernel fake_;
  std::map<int32_t, uint64_t> addresses_;
  std::vector<uint64_t> per_cpu_;
  uint64_t idle_ = 0, offsets_ = 0, mask_ = 0;
  bool drop_init_task_ = false;
  std::string state_name_ = "__state";
  std::optional<KernelMemory> kernel_;
  std::optional<Kallsyms> symbols_;
  std::optional<KernelTypes> types_;
};

TEST_F(Tasks, ProcessesThreadsAndIdleTasks) {
  make({{0, 0, 0, "swapper/0"},
        {2, 2, 0, "kthreadd", 1},
        {7, 7, 1, "server", 2},
        {8, 7, 1, "worker", 1},
        {1, 1, 0, "init", 1}});
  fake_.write32(addresses_.at(2) + kFlags, 0x00200000);
  fake_.write32(addresses_.at(7) + kCpu, 1);
  fake_.write32(addresses_.at(7) + kOnCpu, 1);
  fake_.write64(addresses_.at(7) + kMm, 0x1234);
  const auto list = read().value();
  EXPECT_THAT(list.notes, IsEmpty());
  EXPECT_THAT(pids(list), ElementsAre(0, 0, 1, 2, 7, 8));
  EXPECT_EQ(list.tasks[1].comm, "swapper/1");
  EXPECT_EQ(list.tasks[1].cpu, 1u);
  const Task& server = task(list, 7);
  EXPECT_EQ(server.address, addresses_.at(7));
  EXPECT_EQ(server.comm, "server");
  EXPECT_EQ(server.ppid, 1);
  EXPECT_EQ(server.state, 'D');
  EXPECT_EQ(server.cpu, 1u);
  EXPECT_TRUE(server.on_cpu);
  EXPECT_EQ(server.mm, 0x1234u);
  EXPECT_EQ(server.stack, 0xffffc90000000000u);
  EXPECT_EQ(server.stack_pointer, 0xffffc90000001234u);
  EXPECT_EQ(task(list, 8).tgid, 7);
  EXPECT_TRUE(task(list, 2).kernel_thread);
  EXPECT_FALSE(server.kernel_thread);
}

TEST_F(Tasks, LettersOfStates) {
  struct Case {
    uint32_t state, exit_state;
    char letter;
  };
  for (const std::string name : {"__state", "state"}) {
    for (const auto& [state, exit_state, letter] :
         {Case{0, 0, 'R'}, Case{1, 0, 'S'}, Case{2, 0, 'D'}, Case{0x102, 0, 'D'}, Case{0x104, 0, 'T'},
          Case{0x108, 0, 't'}, Case{0x80, 0x10, 'X'}, Case{0x80, 0x20, 'Z'}, Case{0x40, 0, 'P'},
          Case{0x402, 0, 'I'}, Case{0x2001, 0, 'S'}, Case{0x8000, 0, 'D'}, Case{0x1000, 0, 'D'}}) {
      fake_ = FakeKernel();
      addresses_.clear();
      per_cpu_.clear();
      state_name_ = name;
      make({{0, 0, 0, "swapper/0"}, {1, 1, 0, "init", state}});
      fake_.write32(addresses_.at(1) + kExitState, exit_state);
      EXPECT_EQ(task(read().value(), 1).state, letter) << std::hex << state << ' ' << exit_state;
    }
  }
}

TEST_F(Tasks, LostTaskLeavesTheOthers) {
  make_five();
  lose(2);
  const auto list = read().value();
  EXPECT_THAT(pids(list), ElementsAre(0, 0, 1, 10, 20));
  EXPECT_THAT(list.notes, Contains(HasSubstr("list of processes")));
}

TEST_F(Tasks, LoopIsWalkedFromBothEnds) {
  make_five();
  fake_.write64(node(2), node(1));  // 0 1 2 1 ...
  const auto list = read().value();
  EXPECT_THAT(pids(list), ElementsAre(0, 0, 1, 2, 10, 20));
  EXPECT_THAT(list.notes, ElementsAre(HasSubstr("loops")));
}

TEST_F(Tasks, WildPointers) {
  make_five();
  const uint64_t garbage = fake_.allocate(kPageSize);
  fake_.write(garbage, std::vector<std::byte>(kPageSize, std::byte{0x77}));
  for (const uint64_t wild :
       {uint64_t{0}, uint64_t{0xdead000000000100}, node(10) + 1, garbage + 256, UINT64_MAX}) {
    fake_.write64(node(2), wild);
    const auto list = read().value();
    EXPECT_THAT(pids(list), ElementsAre(0, 0, 1, 2, 10, 20)) << std::hex << wild;
    EXPECT_THAT(list.notes, SizeIs(1)) << std::hex << wild;
  }
}

TEST_F(Tasks, BothWaysBroken) {
  make_five();
  fake_.write64(node(1), 0);
  fake_.write64(node(20) + 8, 0);
  const auto list = read().value();
  EXPECT_THAT(pids(list), ElementsAre(0, 0, 1, 20));
  EXPECT_THAT(list.notes, ElementsAre(HasSubstr("are unknown")));
}

TEST_F(Tasks, BrokenThreadList) {
  make({{0, 0, 0, "swapper/0"}, {7, 7, 0, "server"}, {8, 7, 0, "one"}, {9, 7, 0, "two"}});
  fake_.write64(addresses_.at(7) + kThreadNode, 0);
  const auto list = read().value();
  EXPECT_THAT(pids(list), ElementsAre(0, 0, 7, 8, 9));
  EXPECT_THAT(list.notes, ElementsAre(HasSubstr("threads of process 7")));
}

TEST_F(Tasks, WithoutCpusTheRestIsShown) {
  make_five();
  fake_.memory().fail_page(FakeKernel::to_physical(mask_), ErrorCode::excluded);
  const auto list = read().value();
  EXPECT_THAT(pids(list), ElementsAre(0, 1, 2, 10, 20));
  EXPECT_THAT(list.notes, ElementsAre(HasSubstr("idle tasks")));
}

TEST_F(Tasks, NoBeginning) {
  make_five();
  drop_init_task_ = true;
  EXPECT_EQ(read().error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace lifeboat::test
