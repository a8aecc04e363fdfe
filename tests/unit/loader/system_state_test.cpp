// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/system_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/obstacles.h"
#include "tests/support/fake_machine.h"

namespace lifeboat {
namespace {

using test::FakeMachine;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

SystemState state_of(const FakeMachine& machine) {
  return read_system_state(machine.paths());
}

TEST(SystemState, OldPlaces) {
  FakeMachine machine;
  machine.put_sys("kernel/kexec_crash_loaded", "1\n");
  machine.put_sys("kernel/crash_elfcorehdr_size", "98304\n");
  const auto state = state_of(machine);
  EXPECT_EQ(state.crash_loaded, true);
  EXPECT_EQ(state.normal_loaded, false);
  EXPECT_EQ(state.crash_size, 256u << 20);
  EXPECT_EQ(state.elfcorehdr_size, 98304u);
  ASSERT_TRUE(state.crash_ranges);
  EXPECT_THAT(*state.crash_ranges, ElementsAre(MemoryRange{0x20000000, 0x30000000}));
}

TEST(SystemState, NewPlaces) {
  FakeMachine machine;
  for (const char* old : {"kexec_crash_loaded", "kexec_loaded", "kexec_crash_size"})
    machine.remove(std::string("sys/kernel/") + old);
  machine.put_sys("kernel/kexec/crash_loaded", "1\n");
  machine.put_sys("kernel/kexec/loaded", "1\n");
  machine.put_sys("kernel/kexec/crash_size", "1048576\n");
  machine.put_sys("kernel/kexec/crash_elfcorehdr_size", "4096\n");
  const auto state = state_of(machine);
  EXPECT_EQ(state.crash_loaded, true);
  EXPECT_EQ(state.normal_loaded, true);
  EXPECT_EQ(state.crash_size, 1u << 20);
  EXPECT_EQ(state.elfcorehdr_size, 4096u);
}

TEST(SystemState, WhatCannotBeReadIsNotGuessed) {
  FakeMachine machine;
  machine.remove("sys");
  machine.remove("proc");
  const auto state = state_of(machine);
  EXPECT_FALSE(state.crash_loaded || state.normal_loaded || state.crash_size || state.crash_ranges);
  EXPECT_FALSE(state.load_disabled || state.crash_load_limit || state.normal_load_limit || state.lockdown);
  EXPECT_FALSE(state.secure_boot || state.privileged || state.cpu_hotplug || state.release);
}

TEST(SystemState, NonsenseIsNotGuessed) {
  FakeMachine machine;
  machine.put_sys("kernel/kexec_crash_loaded", "yes\n");
  machine.put_sys("kernel/kexec_crash_size", "-1\n");
  machine.put_sys("kernel/security/lockdown", "integrity\n");
  machine.put_proc("sys/kernel/kexec_load_limit_panic", "many\n");
  machine.put_proc("self/status", "Name:\tx\n");
  const auto state = state_of(machine);
  EXPECT_FALSE(state.crash_loaded || state.crash_size || state.lockdown || state.crash_load_limit);
  EXPECT_FALSE(state.privileged);
}

TEST(SystemState, LimitsLockdownAndHotplug) {
  FakeMachine machine;
  machine.put_proc("sys/kernel/kexec_load_disabled", "1\n");
  machine.put_proc("sys/kernel/kexec_load_limit_panic", "-1\n");
  machine.put_proc("sys/kernel/kexec_load_limit_reboot", "3\n");
  machine.put_proc("sys/kernel/osrelease", "6.12.1\n");
  machine.put_sys("kernel/security/lockdown", "none [integrity] confidentiality\n");
  machine.put_sys("devices/system/cpu/crash_hotplug", "1\n");
  machine.put_sys("devices/system/memory/crash_hotplug", "0\n");
  const auto state = state_of(machine);
  EXPECT_EQ(state.load_disabled, true);
  EXPECT_EQ(state.crash_load_limit, -1);
  EXPECT_EQ(state.normal_load_limit, 3);
  EXPECT_EQ(state.lockdown, Lockdown::integrity);
  EXPECT_EQ(state.cpu_hotplug, true);
  EXPECT_EQ(state.memory_hotplug, false);
  EXPECT_EQ(state.release, "6.12.1");
}

TEST(SystemState, AnImaPolicyAppraisesKernelsOrNot) {
  const FakeMachine machine;
  EXPECT_FALSE(read_system_state(machine.paths()).ima_appraises_kernels);
  machine.put_sys("kernel/security/ima/policy",
                  "measure func=KEXEC_KERNEL_CHECK\nappraise func=MODULE_CHECK\n");
  EXPECT_EQ(read_system_state(machine.paths()).ima_appraises_kernels, false);
  machine.put_sys("kernel/security/ima/policy",
                  "dont_measure fsmagic=0x9fa0\nappraise func=KEXEC_KERNEL_CHECK appraise_type=imasig\n");
  EXPECT_EQ(read_system_state(machine.paths()).ima_appraises_kernels, true);
}

TEST(SystemState, SecureBootIsTheFifthByte) {
  FakeMachine machine;
  const std::string name = "firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
  machine.put_sys(name, std::string_view("\6\0\0\0\1", 5));
  EXPECT_EQ(state_of(machine).secure_boot, true);
  machine.put_sys(name, std::string_view("\6\0\0\0\0", 5));
  EXPECT_EQ(state_of(machine).secure_boot, false);
  machine.put_sys(name, std::string_view("\6\0\0\0", 4));
  EXPECT_FALSE(state_of(machine).secure_boot);
}

TEST(SystemState, PrivilegeIsTheCapabilityNotTheUser) {
  FakeMachine machine;
  EXPECT_EQ(state_of(machine).privileged, true);
  machine.put_proc("self/status", "Name:\tx\nCapEff:\t0000000000400000\n");
  EXPECT_EQ(state_of(machine).privileged, true);
  machine.put_proc("self/status", "Name:\tx\nCapEff:\t000001ffffbfffff\n");
  EXPECT_EQ(state_of(machine).privileged, false);
}

TEST(SystemState, CrashRangesAreUnknownWhenHiddenOrBroken) {
  FakeMachine machine;
  machine.put_proc("iomem", "00000000-00000000 : System RAM\n  00000000-00000000 : Crash kernel\n");
  EXPECT_FALSE(state_of(machine).crash_ranges);
  machine.put_proc("iomem", "x-y : Crash kernel\n");
  EXPECT_FALSE(state_of(machine).crash_ranges);
  machine.put_proc("iomem", "00100000-7fffffff : System RAM\n");
  EXPECT_THAT(state_of(machine).crash_ranges.value(), IsEmpty());
}

TEST(NotArmed, EveryReasonHasANextStep) {
  FakeMachine machine;
  auto reasons = not_armed_because(state_of(machine));
  ASSERT_THAT(reasons, SizeIs(1));
  EXPECT_THAT(reasons[0].fix, HasSubstr("lifeboat load --crash"));

  machine.put_sys("kernel/kexec_crash_size", "0\n");
  machine.put_proc("sys/kernel/kexec_load_disabled", "1\n");
  machine.put_proc("sys/kernel/kexec_load_limit_panic", "0\n");
  reasons = not_armed_because(state_of(machine));
  ASSERT_THAT(reasons, SizeIs(3));
  EXPECT_THAT(reasons[0].fix, HasSubstr("lifeboat reserve set auto"));
  for (const auto& reason : reasons) EXPECT_FALSE(reason.fix.empty()) << reason.message;

  machine.remove("sys");
  reasons = not_armed_because(state_of(machine));
  ASSERT_THAT(reasons, SizeIs(1));
  EXPECT_THAT(reasons[0].fix, HasSubstr("CONFIG_CRASH_DUMP"));
}

TEST(NotArmed, ArmedIsArmedWhateverMayNoLongerBeDone) {
  FakeMachine machine;
  machine.put_sys("kernel/kexec_crash_loaded", "1\n");
  machine.put_proc("sys/kernel/kexec_load_disabled", "1\n");
  EXPECT_THAT(not_armed_because(state_of(machine)), IsEmpty());
}

}  // namespace
}  // namespace lifeboat
