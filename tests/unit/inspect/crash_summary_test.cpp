// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/crash_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/inspect/fault_address.h"
#include "src/inspect/taint.h"
#include "src/vmcore/x86_64/x86_64_architecture.h"

namespace lifeboat::inspect {
namespace {

using testing::HasSubstr;

// One record a line, a tenth of a second apart.
CrashSummary story_of(const std::vector<std::string>& lines) {
  std::vector<LogRecord> records;
  for (const auto& line : lines)
    records.push_back({records.size(), 100'000'000'000 + records.size() * 100'000'000, 0, 6, 0, line});
  return summarize_crash(x86_64::architecture(), records);
}

struct Case {
  std::string name;
  std::vector<std::string> lines;
  CrashKind kind;
};

class Kinds : public testing::TestWithParam<Case> {};

TEST_P(Kinds, AreFoundInTheLog) {
  const auto crash = story_of(GetParam().lines);
  EXPECT_EQ(kind_name(crash.kind), kind_name(GetParam().kind));
  EXPECT_EQ(crash.reason.empty(), GetParam().kind == CrashKind::unknown);
}

const std::string kFatal = "Kernel panic - not syncing: Fatal exception";

INSTANTIATE_TEST_SUITE_P(
    Log, Kinds,
    testing::Values(
        Case{"nothing", {"Linux version 6.12"}, CrashKind::unknown},
        Case{"sysrq",
             {"sysrq: Trigger a crash", "Kernel panic - not syncing: sysrq triggered crash"},
             CrashKind::sysrq},
        Case{"null",
             {"BUG: kernel NULL pointer dereference, address: 0000000000000010", "Oops: Oops: 0002 [#1]",
              kFatal},
             CrashKind::null_dereference},
        Case{"null_without_panic",
             {"BUG: kernel NULL pointer dereference, address: 0000000000000010"},
             CrashKind::null_dereference},
        Case{"null_on_arm",
             {"Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008", kFatal},
             CrashKind::null_dereference},
        Case{"page_fault",
             {"BUG: unable to handle page fault for address: ffffc90000000000", kFatal},
             CrashKind::bad_address},
        Case{"general_protection",
             {"Oops: general protection fault, probably for non-canonical address 0xdead000000000108: 0000 "
              "[#1] SMP",
              kFatal},
             CrashKind::general_protection},
        Case{"old_general_protection",
             {"general protection fault: 0000 [#1] SMP", kFatal},
             CrashKind::general_protection},
        Case{"bug",
             {"kernel BUG at mm/slub.c:448!", "invalid opcode: 0000 [#1] PREEMPT SMP NOPTI", kFatal},
             CrashKind::bug},
        Case{"divide", {"Oops: divide error: 0000 [#1] PREEMPT SMP", kFatal}, CrashKind::divide_error},
        Case{"stack_overflow",
             {"BUG: TASK stack guard page was hit at 00000000deadbeef (stack is ffff..ffff)",
              "Oops: 0000 [#1]", "Kernel panic - not syncing: Fatal exception in interrupt"},
             CrashKind::stack_overflow},
        Case{"stack_end",
             {"Kernel panic - not syncing: corrupted stack end detected inside scheduler"},
             CrashKind::stack_overflow},
        Case{"stack_protector",
             {"Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: f+0x1/0x2"},
             CrashKind::stack_corruption},
        Case{"double_fault",
             {"traps: PANIC: double fault, error_code: 0x0", "Kernel panic - not syncing: Machine halted."},
             CrashKind::double_fault},
        Case{"hung_task",
             {"INFO: task cat:123 blocked for more than 10 seconds.",
              "Kernel panic - not syncing: hung_task: blocked tasks"},
             CrashKind::hung_task},
        Case{"soft_lockup",
             {"watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [cat:123]",
              "Kernel panic - not syncing: softlockup: hung tasks"},
             CrashKind::soft_lockup},
        Case{"hard_lockup",
             {"watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 1",
              "Kernel panic - not syncing: Hard LOCKUP"},
             CrashKind::hard_lockup},
        Case{"rcu_stall",
             {"rcu: INFO: rcu_preempt self-detected stall on CPU", "Kernel panic - not syncing: RCU Stall"},
             CrashKind::rcu_stall},
        Case{"rcu_stall_of_another",
             {"rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
              "rcu: \t1-...0: (1 GPs behind) idle=29ec/1/0x4000000000000000 softirq=315/315 fqs=373",
              "Kernel panic - not syncing: RCU Stall"},
             CrashKind::rcu_stall},
        Case{"machine_check",
             {"mce: [Hardware Error]: CPU 0: Machine Check Exception: 5",
              "Kernel panic - not syncing: Fatal machine check on current CPU"},
             CrashKind::machine_check},
        Case{"out_of_memory",
             {"Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled"},
             CrashKind::out_of_memory},
        Case{"deadlocked_on_memory",
             {"Kernel panic - not syncing: System is deadlocked on memory"},
             CrashKind::out_of_memory},
        Case{"out_of_memory_with_its_cause",
             {"awk invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO), "
              "order=0, "
              "oom_score_adj=0",
              "Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled"},
             CrashKind::out_of_memory},
        Case{"panic_on_warn",
             {"WARNING: CPU: 0 PID: 1 at fs/inode.c:300 f+0x1/0x2",
              "Kernel panic - not syncing: kernel: panic_on_warn set ..."},
             CrashKind::warning},
        Case{"init",
             {"Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000009"},
             CrashKind::init_died},
        Case{"root",
             {"Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)"},
             CrashKind::no_root},
        Case{"nmi", {"Kernel panic - not syncing: NMI: Not continuing"}, CrashKind::nmi},
        Case{"driver", {"Kernel panic - not syncing: mydriver: board is on fire"}, CrashKind::panic},
        // A report that the kernel survived is not why a driver panics later.
        Case{"survived_report",
             {"INFO: task cat:123 blocked for more than 10 seconds.", "Kernel panic - not syncing: enough"},
             CrashKind::panic}),
    [](const auto& test) { return test.param.name; });

TEST(CrashSummary, DetailsOfAnOops) {
  const auto crash =
      story_of({"BUG: kernel NULL pointer dereference, address: 0000000000000010",
                "#PF: supervisor write access in kernel mode", "#PF: error_code(0x0002) - not-present page",
                "Oops: Oops: 0002 [#1] PREEMPT SMP NOPTI",
                "CPU: 1 UID: 0 PID: 143 Comm: a b: c Kdump: loaded Tainted: G           O       6.12",
                "Hardware name: QEMU Standard PC", "RIP: 0010:f+0x12/0x40 [crasher]",
                "RIP: 0033:0x7f0000000000", "---[ end trace 0000000000000000 ]---", kFatal});
  EXPECT_EQ(crash.fault_address, 0x10u);
  EXPECT_EQ(crash.access, "write");
  EXPECT_EQ(crash.location, "f+0x12/0x40 [crasher]");
  EXPECT_EQ(crash.cpu, 1u);
  EXPECT_EQ(crash.pid, 143);
  EXPECT_EQ(crash.comm, "a b: c");
  EXPECT_EQ(crash.hardware, "QEMU Standard PC");
  EXPECT_EQ(crash.cause, "BUG: kernel NULL pointer dereference, address: 0000000000000010");
}

TEST(CrashSummary, SecondOopsIsAnotherStory) {
  const auto crash =
      story_of({"BUG: kernel NULL pointer dereference, address: 0000000000000010", "Oops: Oops: 0002 [#1]",
                "---[ end trace 0000000000000000 ]---", "Oops: divide error: 0000 [#2] SMP",
                "RIP: 0010:g+0x1/0x2", "---[ end trace 0000000000000000 ]---", kFatal});
  EXPECT_EQ(crash.kind, CrashKind::divide_error);
  EXPECT_EQ(crash.location, "g+0x1/0x2");
  EXPECT_FALSE(crash.fault_address);
}

TEST(CrashSummary, OopsGoesBeforeWhatItLedTo) {
  const auto crash = story_of({"WARNING: CPU: 0 PID: 1 at f", "general protection fault: 0000 [#1]",
                               "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [x:1]", kFatal});
  EXPECT_EQ(crash.kind, CrashKind::general_protection);
}

TEST(CrashSummary, WhoHungIsNotWhoNoticed) {
  auto crash = story_of({"INFO: task we:ird:77 blocked for more than 10 seconds.",
                         "CPU: 0 PID: 35 Comm: khungtaskd Not tainted",
                         "Kernel panic - not syncing: hung_task: blocked tasks"});
  EXPECT_EQ(crash.blocked_pid, 77);
  EXPECT_EQ(crash.pid, 35);
  crash = story_of({"watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [we]ird:77]",
                    "Kernel panic - not syncing: softlockup: hung tasks"});
  EXPECT_EQ(crash.locked_cpu, 3u);
  EXPECT_EQ(crash.blocked_pid, 77);
  crash = story_of(
      {"watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 5", "Kernel panic - not syncing: Hard LOCKUP"});
  EXPECT_EQ(crash.locked_cpu, 5u);
}

// As 6.12 and 6.1 wrote them in the guests of the VM tests.
TEST(CrashSummary, WhoHeldRcuUp) {
  auto crash =
      story_of({"rcu: INFO: rcu_preempt self-detected stall on CPU",
                "rcu: \t1-....: (738 ticks this GP) idle=29ec/1/0x4000000000000000 softirq=315/315 fqs=373",
                "rcu: \t(t=750 jiffies g=-467 q=8 ncpus=2)",
                "CPU: 1 UID: 0 PID: 1 Comm: init Kdump: loaded Tainted: G           OE      6.12",
                "RIP: 0010:crash_spin+0x7/0x10 [crash_module]", "Kernel panic - not syncing: RCU Stall"});
  EXPECT_EQ(crash.locked_cpu, 1u);
  EXPECT_FALSE(crash.blocked_pid);
  EXPECT_EQ(crash.location, "crash_spin+0x7/0x10 [crash_module]");
  crash = story_of({"rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
                    "rcu: \tTasks blocked on level-0 rcu_node (CPUs 0-1): P175/1:b..l",
                    "Kernel panic - not syncing: RCU Stall"});
  EXPECT_FALSE(crash.locked_cpu);
  EXPECT_EQ(crash.blocked_pid, 175);
  crash = story_of({"INFO: rcu_sched detected stalls on CPUs/tasks:", "\t3-...: (1 GPs behind) idle=5b2/1/0",
                    "Kernel panic - not syncing: RCU Stall"});
  EXPECT_EQ(crash.locked_cpu, 3u);
  for (const char* line : {"rcu: \t-....: x", "rcu: \t99999999999-....: x", "rcu: \t1", "rcu: \t",
                           "rcu: ", "rcu: \tTasks blocked on level-0 rcu_node (CPUs 0-1): Px"}) {
    crash = story_of({"rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:", line,
                      "Kernel panic - not syncing: RCU Stall"});
    EXPECT_FALSE(crash.locked_cpu) << line;
    EXPECT_FALSE(crash.blocked_pid) << line;
  }
}

TEST(CrashSummary, FirstOfSeveralReportsIsTheCause) {
  auto crash = story_of({"mce: [Hardware Error]: CPU 0: Machine Check Exception: 5 Bank 4: be00000000000134",
                         "mce: [Hardware Error]: TSC 55b64447a ADDR 12345000 ",
                         "mce: [Hardware Error]: Machine check: Processor Context Corrupt",
                         "Kernel panic - not syncing: Fatal local machine check"});
  EXPECT_EQ(crash.cause, "mce: [Hardware Error]: CPU 0: Machine Check Exception: 5 Bank 4: be00000000000134");
  crash = story_of({"INFO: task init:173 blocked for more than 2 seconds.",
                    "INFO: task init:174 blocked for more than 2 seconds.",
                    "Kernel panic - not syncing: hung_task: blocked tasks"});
  EXPECT_EQ(crash.blocked_pid, 173);
}

TEST(CrashSummary, NmiOfUnknownReason) {
  const auto crash = story_of({"Uhhuh. NMI received for unknown reason 21 on CPU 0.",
                               "Kernel panic - not syncing: NMI: Not continuing"});
  EXPECT_EQ(crash.kind, CrashKind::nmi);
  EXPECT_EQ(crash.cause, "Uhhuh. NMI received for unknown reason 21 on CPU 0.");
}

TEST(CrashSummary, HardwareIsNotItsMemorySlots) {
  const auto crash =
      story_of({"DMI: QEMU Standard PC (Q35 + ICH9, 2009), BIOS 1.16.2-debian-1.16.2-1 04/01/2014",
                "DMI: Memory slots populated: 1/1"});
  EXPECT_EQ(crash.hardware, "QEMU Standard PC (Q35 + ICH9, 2009), BIOS 1.16.2-debian-1.16.2-1 04/01/2014");
}

TEST(CrashSummary, NonsenseNumbersAreNotShown) {
  const auto crash =
      story_of({"INFO: task x:99999999999 blocked for more than 10 seconds.",
                "CPU: x PID: -1 Comm:", "Kernel panic - not syncing: hung_task: blocked tasks"});
  EXPECT_FALSE(crash.blocked_pid);
  EXPECT_FALSE(crash.cpu);
  EXPECT_FALSE(crash.pid);
}

TEST(CrashSummary, EmptyLog) {
  EXPECT_EQ(summarize_crash(x86_64::architecture(), {}).kind, CrashKind::unknown);
}

TEST(FaultAddress, ShowsThePointer) {
  EXPECT_EQ(explain_fault_address(x86_64::architecture(), PageSize(), 0), "NULL itself");
  EXPECT_THAT(explain_fault_address(x86_64::architecture(), PageSize(), 0x10),
              HasSubstr("NULL plus 16 (0x10)"));
  EXPECT_THAT(explain_fault_address(x86_64::architecture(), PageSize(), static_cast<uint64_t>(-12)),
              HasSubstr("-12"));
  EXPECT_THAT(explain_fault_address(x86_64::architecture(), PageSize(), 0xdead000000000100),
              HasSubstr("LIST_POISON1"));
  EXPECT_THAT(explain_fault_address(x86_64::architecture(), PageSize(), 0xdead000000000122),
              HasSubstr("LIST_POISON2"));
  EXPECT_THAT(explain_fault_address(x86_64::architecture(), PageSize(), 0x6b6b6b6b6b6b6b7b),
              HasSubstr("freed"));
  EXPECT_THAT(explain_fault_address(x86_64::architecture(), PageSize(), 0x6f77206f6c6c6568),
              HasSubstr("\"hello wo\""));
  EXPECT_THAT(explain_fault_address(x86_64::architecture(), PageSize(), 0x00007f0000001000),
              HasSubstr("user space"));
  EXPECT_THAT(explain_fault_address(x86_64::architecture(), PageSize(), 0x8000000000000000),
              HasSubstr("not canonical"));
  EXPECT_THAT(explain_fault_address(x86_64::architecture(), PageSize(), 0xffffc90000000000),
              HasSubstr("nothing is mapped"));
}

TEST(Taint, Decoded) {
  EXPECT_EQ(taint_letters(0), "");
  EXPECT_EQ(taint_letters(1u << 12 | 1u << 13 | 1u << 9), "WOE");
  EXPECT_THAT(std::string(read_taint(1u << 12).at(0).meaning), HasSubstr("outside"));
  EXPECT_EQ(taint_letters(uint64_t{1} << 63), "?");
}

}  // namespace
}  // namespace lifeboat::inspect
