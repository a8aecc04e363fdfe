// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/vmcore/x86_64/x86_64_architecture.h"

namespace lifeboat::inspect {
namespace {

using testing::ElementsAre;

// "!NAME": interrupted there; "?NAME": not reliable.
std::vector<NamedFrame> frames_of(const std::vector<std::string>& names) {
  std::vector<NamedFrame> frames;
  for (const auto& name : names) {
    NamedFrame frame;
    frame.frame.address = 0xffffffff81000000 + frames.size();
    frame.frame.interrupted = name.starts_with("!");
    frame.frame.reliable = !name.starts_with("?");
    frame.symbol = name.substr(name.find_first_not_of("!?"));
    frame.named = true;
    frame.panic_path = is_panic_path(x86_64::architecture(), plain_function_name(frame.symbol));
    frames.push_back(std::move(frame));
  }
  return frames;
}

TEST(Signature, LeavesThePanicPathOut) {
  const auto frames =
      frames_of({"machine_kexec", "__crash_kexec", "panic", "sysrq_handle_crash", "__handle_sysrq"});
  EXPECT_EQ(panic_path_length(frames), 3u);
  EXPECT_THAT(make_signature(CrashKind::sysrq, frames).functions,
              ElementsAre("sysrq_handle_crash", "__handle_sysrq"));
}

TEST(Signature, OfAFaultBeginsWhereItHappened) {
  const auto frames = frames_of({"crash_kexec", "oops_end", "page_fault_oops", "some_helper",
                                 "asm_exc_page_fault", "!f.constprop.0", "?guess", "g.isra.3", "h"});
  EXPECT_THAT(make_signature(CrashKind::null_dereference, frames).functions, ElementsAre("f", "g", "h"));
}

TEST(Signature, OfALockupBeginsBehindTheTimer) {
  const auto frames =
      frames_of({"panic", "watchdog_timer_fn", "__hrtimer_run_queues", "!spin_forever", "ioctl"});
  EXPECT_THAT(make_signature(CrashKind::soft_lockup, frames).functions, ElementsAre("spin_forever", "ioctl"));
}

TEST(Signature, OfAStallBeginsBehindTheTimerAsWell) {
  const auto noticed_itself =
      frames_of({"panic", "rcu_sched_clock_irq", "update_process_times", "!spin", "ioctl"});
  const auto noticed_by_another = frames_of({"!spin", "ioctl"});
  EXPECT_EQ(first_significant_frame(CrashKind::rcu_stall, noticed_itself), 3u);
  EXPECT_EQ(make_signature(CrashKind::rcu_stall, noticed_itself).hash,
            make_signature(CrashKind::rcu_stall, noticed_by_another).hash);
}

TEST(Signature, OfFailingHardwareIsNotOfWhatItHit) {
  const auto idle = frames_of({"panic", "mce_panic", "do_machine_check", "!default_idle", "do_idle"});
  const auto busy = frames_of({"panic", "mce_panic", "do_machine_check", "!vfs_write", "ksys_write"});
  EXPECT_EQ(make_signature(CrashKind::machine_check, idle).hash,
            make_signature(CrashKind::machine_check, busy).hash);
}

TEST(Signature, OfAnOverflowDoesNotDependOnItsDepth) {
  const auto deep = make_signature(CrashKind::stack_overflow,
                                   frames_of({"memset", "b", "a", "b", "a", "b", "a", "start", "ioctl"}));
  EXPECT_THAT(deep.functions, ElementsAre("a", "b", "start", "ioctl"));
  const auto deeper = make_signature(
      CrashKind::stack_overflow, frames_of({"a", "b", "a", "b", "a", "b", "a", "b", "a", "start", "ioctl"}));
  EXPECT_EQ(deep.hash, deeper.hash);
  // No recursion: one large frame.
  EXPECT_THAT(make_signature(CrashKind::stack_overflow, frames_of({"large", "start"})).functions,
              ElementsAre("large", "start"));
}

TEST(Signature, IsStable) {
  // Others store it: these never change.
  const auto signature = make_signature(CrashKind::sysrq, frames_of({"panic", "sysrq_handle_crash"}));
  EXPECT_EQ(signature.hash, "4dbfb7562a15a0aa");
  EXPECT_NE(signature.hash,
            make_signature(CrashKind::panic, frames_of({"panic", "sysrq_handle_crash"})).hash);
  EXPECT_EQ(signature.hash,
            make_signature(CrashKind::sysrq, frames_of({"vpanic", "panic", "sysrq_handle_crash.cold"})).hash);
}

TEST(Signature, OfNothing) {
  EXPECT_EQ(make_signature(CrashKind::unknown, {}).hash, "");
  EXPECT_EQ(make_signature(CrashKind::panic, frames_of({"panic", "crash_kexec"})).hash, "");
  EXPECT_EQ(plain_function_name(".hidden"), ".hidden");
}

}  // namespace
}  // namespace lifeboat::inspect
