// SPDX-License-Identifier: GPL-2.0-or-later
// Tasks with their parents and states, memory and the command line, as /proc showed them right before the
// crash.
#include <sstream>

#include "src/inspect/memory_use.h"
#include "src/inspect/session.h"
#include "tests/oracle/oracle.h"

namespace lifeboat::test {
namespace {

struct TaskFact {
  int32_t pid = 0, tgid = 0, ppid = 0;
  char state = '?';
  std::string comm;
};

class MachineOracle : public testing::TestWithParam<std::filesystem::path> {
 protected:
  void SetUp() override {
    session_.emplace(inspect::Session::open((GetParam() / "vmcore").string()).value());
    ASSERT_TRUE(session_->tasks()) << session_->tasks().error().to_string();
  }
  [[nodiscard]] std::vector<TaskFact> task_facts() const {
    std::vector<TaskFact> facts;
    std::istringstream lines(text_of(GetParam() / "facts/tasks"));
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      TaskFact fact;
      words >> fact.pid >> fact.tgid >> fact.ppid >> fact.state;
      words.get();
      std::getline(words, fact.comm);
      facts.push_back(std::move(fact));
    }
    return facts;
  }
  // Pages, of a line of /proc/meminfo in kB.
  [[nodiscard]] double fact(const std::string& name) const {
    std::istringstream lines(text_of(GetParam() / "facts/meminfo"));
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(name + ":")) return std::stod(line.substr(name.size() + 1)) / 4;
    ADD_FAILURE() << "meminfo has no " << name;
    return 0;
  }
  std::optional<inspect::Session> session_;
};

// Between the record and the panic: worker threads, and those of a file system that is unmounted.
bool comes_and_goes(const std::string& comm) {
  constexpr const char* kThreads[] = {"kworker/", "jbd2/", "ext4-rsv-", "ext4lazyinit"};
  return std::ranges::any_of(kThreads, [&](const char* name) { return comm.starts_with(name); });
}

TEST_P(MachineOracle, every_task_with_its_parent) {
  EXPECT_TRUE(session_->tasks()->notes.empty());
  const auto facts = task_facts();
  ASSERT_GT(facts.size(), 30u);
  const auto& tasks = session_->tasks()->tasks;
  for (const auto& fact : facts) {
    const auto task = std::ranges::find(tasks, fact.pid, &Task::pid);
    if (task == tasks.end()) {
      EXPECT_TRUE(comes_and_goes(fact.comm)) << fact.pid << " " << fact.comm << " is gone";
      continue;
    }
    EXPECT_EQ(task->tgid, fact.tgid) << fact.pid;
    EXPECT_EQ(task->ppid, fact.ppid) << fact.pid;
    // What /proc shows of a worker thread is longer than its name.
    if (!fact.comm.starts_with("kworker")) {
      EXPECT_EQ(task->comm, fact.comm.substr(0, 15)) << fact.pid;
    }
  }
  for (const Task& task : tasks) {
    if (task.pid == 0 || comes_and_goes(task.comm)) continue;  // idle tasks are not in /proc
    EXPECT_NE(std::ranges::find(facts, task.pid, &TaskFact::pid), facts.end())
        << task.pid << " " << task.comm << " was not there";
  }
}

TEST_P(MachineOracle, states_are_those_of_proc) {
  const auto& tasks = session_->tasks()->tasks;
  size_t compared = 0, other = 0;
  for (const auto& fact : task_facts()) {
    const auto task = std::ranges::find(tasks, fact.pid, &Task::pid);
    if (task == tasks.end()) continue;
    ++compared;
    if (task->state == fact.state) continue;
    ++other;
    // Nothing but waking up and going to sleep can have happened meanwhile.
    EXPECT_TRUE(task->state == 'R' || fact.state == 'R' || task->state == 'D' || fact.state == 'D')
        << fact.pid << " " << fact.comm << " " << fact.state << " is " << task->state;
  }
  EXPECT_GT(compared, 30u);
  EXPECT_LE(other, compared / 10);
}

TEST_P(MachineOracle, memory_is_that_of_meminfo) {
  const auto use = inspect::read_memory_use(*session_);
  ASSERT_TRUE(use) << use.error().to_string();
  EXPECT_EQ(static_cast<double>(use->total.value()), fact("MemTotal"));
  EXPECT_EQ(static_cast<double>(use->swap_total.value()), fact("SwapTotal"));
  // What was recorded after meminfo, above all kallsyms, was written to the disk: up to 32 MiB of cache. The
  // rest may lack what CPUs had not added.
  constexpr double kCache = 8192, kLittle = 1024;
  EXPECT_NEAR(static_cast<double>(use->free.value()), fact("MemFree"), kCache);
  EXPECT_NEAR(static_cast<double>(use->cache.value()), fact("Cached") + fact("Buffers") + fact("SwapCached"),
              kCache);
  EXPECT_NEAR(static_cast<double>(use->anonymous.value()), fact("AnonPages"), kLittle * 8);
  EXPECT_NEAR(static_cast<double>(use->shared.value()), fact("Shmem"), kLittle);
  EXPECT_NEAR(static_cast<double>(use->slab_reclaimable.value()), fact("SReclaimable"), kLittle);
  EXPECT_NEAR(static_cast<double>(use->slab_unreclaimable.value()), fact("SUnreclaim"), kLittle);
  EXPECT_NEAR(static_cast<double>(use->kernel_stacks.value()), fact("KernelStack"), kLittle / 4);
  EXPECT_NEAR(static_cast<double>(use->page_tables.value()), fact("PageTables"), kLittle / 4);
}

TEST_P(MachineOracle, zones_add_up) {
  const auto list = inspect::read_zones(*session_);
  ASSERT_TRUE(list) << list.error().to_string();
  EXPECT_TRUE(list->notes.empty());
  uint64_t managed = 0, free = 0;
  for (const auto& zone : list->zones) {
    managed += zone.managed;
    free += zone.free;
  }
  EXPECT_EQ(static_cast<double>(managed), fact("MemTotal"));
  EXPECT_NEAR(static_cast<double>(free), fact("MemFree"), 8192);
}

TEST_P(MachineOracle, slab_caches_add_up) {
  const auto list = inspect::read_slab_caches(*session_);
  ASSERT_TRUE(list) << list.error().to_string();
  EXPECT_TRUE(list->notes.empty());
  uint64_t pages = 0;
  for (const auto& cache : list->caches) pages += cache.pages;
  // Slabs that got less than they asked for are smaller.
  EXPECT_NEAR(static_cast<double>(pages), fact("Slab"), 1024);
  EXPECT_GT(list->caches.size(), 30u);
}

TEST_P(MachineOracle, the_command_line) {
  const auto pointer = session_->symbols()->address_of("saved_command_line");
  ASSERT_TRUE(pointer);
  const auto address = session_->kernel()->read<uint64_t>(*pointer);
  ASSERT_TRUE(address) << address.error().to_string();
  EXPECT_EQ(session_->kernel()->read_string(*address, 65536).value() + "\n",
            text_of(GetParam() / "facts/cmdline"));
}

INSTANTIATE_TEST_SUITE_P(, MachineOracle, testing::ValuesIn(oracle_folders()), oracle_name);
// Without the VM tests' dumps there is nothing to compare with.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(MachineOracle);

}  // namespace
}  // namespace lifeboat::test
