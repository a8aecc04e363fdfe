// SPDX-License-Identifier: GPL-2.0-or-later
// The signs of Kexec Handover, and of Xen.
#include "loader/handover.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/obstacles.h"
#include "loader/xen_domain.h"
#include "tests/support/fake_machine.h"

namespace lifeboat {
namespace {

using test::FakeMachine;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string handover_with(const FakeMachine& machine, const std::string& command_line) {
  machine.put_proc("cmdline", command_line + "\n");
  return read_system_state(machine.paths()).handover;
}

TEST(Handover, ParameterIsReadAsTheKernelDoes) {
  const FakeMachine machine;
  for (const char* on :
       {"kho=on", "kho=1", "kho=y", "kho=Yes", "kho=oN", "kho=true", "ro \"kho=on\" quiet", "kho=\"on\"",
        "kho=off kho=on", "kho=on kho", "kho=on kho=maybe", "kho=on kho_scratch=1G"})
    EXPECT_THAT(handover_with(machine, on), HasSubstr("kho=")) << on;
  for (const char* off :
       {"", "kho", "kho=", "kho=off", "kho=0", "kho=n", "kho=false", "kho=o", "kho=maybe", "nokho=on",
        "kho=on kho=off", "-- kho=on", "kho_scratch=16M,512M,256M", "liveupdate=on", "x=\"a kho=on\""})
    EXPECT_THAT(handover_with(machine, off), IsEmpty()) << off;
}

TEST(Handover, OtherSignsOfIt) {
  const FakeMachine machine;
  const auto sign = [&] { return handover_with(machine, "ro quiet"); };
  machine.put_sys("kernel/debug/kho/out/scratch_len", "");
  EXPECT_THAT(sign(), HasSubstr("debug/kho"));
  machine.remove("sys/kernel/debug");
  EXPECT_THAT(sign(), IsEmpty());
  machine.put_sys("class/misc/liveupdate/dev", "10:122\n");
  EXPECT_THAT(sign(), HasSubstr("/dev/liveupdate"));
  machine.remove("sys/class");
  machine.put_proc("misc", "125 cpu_dma_latency\n122 liveupdate\n");
  EXPECT_THAT(sign(), HasSubstr("/dev/liveupdate"));
  machine.put_proc("misc", "122 liveupdate-other\n");
  EXPECT_THAT(sign(), IsEmpty());
  machine.put("dev/liveupdate", "");
  EXPECT_THAT(sign(), HasSubstr("/dev/liveupdate"));
}

TEST(Handover, TheConfigurationDecidesWhereTheCommandLineDoesNot) {
  const FakeMachine machine;
  machine.put_proc("sys/kernel/osrelease", "6.19.0-test\n");
  machine.put("boot/config-6.19.0-test", "CONFIG_KEXEC_HANDOVER=y\nCONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT=y\n");
  EXPECT_THAT(handover_with(machine, "ro"), HasSubstr("CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT"));
  EXPECT_THAT(handover_with(machine, "ro kho=off"), IsEmpty());
  machine.put("boot/config-6.19.0-test", "CONFIG_KEXEC_HANDOVER=y\n");
  EXPECT_THAT(handover_with(machine, "ro"), IsEmpty());
  EXPECT_THAT(handover_with(machine, "ro kho=on"), HasSubstr("kho=on"));
  machine.put_proc("sys/kernel/osrelease", "../../etc\n");
  EXPECT_THAT(handover_with(machine, "ro"), IsEmpty());
}

TEST(Handover, ErrorsHaveAFix) {
  const SystemState state{.handover = "kho=on on the kernel command line"};
  const Error error = handover_forbids_segments(state);
  EXPECT_EQ(error.code, ErrorCode::unsupported);
  EXPECT_THAT(error.fix, HasSubstr("--syscall segments"));
  EXPECT_FALSE(segments_permitted(state, false));
  EXPECT_TRUE(segments_permitted(state, true));
}

// --- Xen.

class Xen : public testing::Test {
 protected:
  [[nodiscard]] XenDomain domain() const { return read_system_state(machine_.paths()).xen; }
  FakeMachine machine_;
};

TEST_F(Xen, IsNotThereOnOtherMachines) {
  EXPECT_EQ(domain(), XenDomain::none);
  machine_.put_sys("hypervisor/type", "other\n");
  // Of another hypervisor: the bit means something else.
  machine_.put_sys("hypervisor/properties/features", "00000800\n");
  EXPECT_EQ(domain(), XenDomain::none);
  machine_.put_proc("xen/capabilities", "");
  EXPECT_EQ(domain(), XenDomain::none);
}

TEST_F(Xen, Dom0ByItsFeatures) {
  machine_.put_sys("hypervisor/type", "xen\n");
  for (const char* features : {"00002705", "0", "", "zzz", "1704"}) {
    machine_.put_sys("hypervisor/properties/features", std::string(features) + "\n");
    EXPECT_EQ(domain(), XenDomain::guest) << features;
  }
  for (const char* features : {"00002fff", "800", "0x2f05", "00000800"}) {
    machine_.put_sys("hypervisor/properties/features", std::string(features) + "\n");
    EXPECT_EQ(domain(), XenDomain::dom0) << features;
  }
}

TEST_F(Xen, Dom0ByItsCapabilities) {
  for (const char* capabilities : {"control_d\n", "control_d", "other,control_d\n", "control_d other\n"}) {
    machine_.put_proc("xen/capabilities", capabilities);
    EXPECT_EQ(domain(), XenDomain::dom0) << capabilities;
  }
  for (const char* capabilities : {"\n", "control_domain\n", "uncontrol_d\n"}) {
    machine_.put_proc("xen/capabilities", capabilities);
    EXPECT_EQ(domain(), XenDomain::none) << capabilities;
  }
}

TEST_F(Xen, Dom0MayBeAnyKindOfDomain) {
  machine_.put_sys("hypervisor/type", "xen\n");
  machine_.put_proc("xen/capabilities", "control_d\n");
  for (const char* kind : {"PV\n", "PVH\n"}) {
    machine_.put_sys("hypervisor/guest_type", kind);
    EXPECT_EQ(domain(), XenDomain::dom0);
  }
}

TEST_F(Xen, GuestsDifferByTheirType) {
  machine_.put_sys("hypervisor/type", "xen\n");
  EXPECT_EQ(domain(), XenDomain::guest);
  machine_.put_sys("hypervisor/guest_type", "PV\n");
  EXPECT_EQ(domain(), XenDomain::pv_guest);
  machine_.put_sys("hypervisor/guest_type", "PVH\n");
  EXPECT_EQ(domain(), XenDomain::guest);
}

TEST_F(Xen, ObstaclesHaveAFix) {
  for (const auto each : {XenDomain::none, XenDomain::guest}) EXPECT_FALSE(xen_obstacle(each));
  for (const auto each : {XenDomain::dom0, XenDomain::pv_guest}) {
    const auto obstacle = xen_obstacle(each);
    ASSERT_TRUE(obstacle);
    EXPECT_EQ(obstacle->code, ErrorCode::unsupported);
    EXPECT_THAT(obstacle->fix, Not(IsEmpty()));
    // Also when a kernel is loaded: it would not start.
    EXPECT_THAT(not_armed_because(SystemState{.crash_loaded = true, .xen = each}), testing::SizeIs(1));
    EXPECT_FALSE(load_obstacles(SystemState{.xen = each}, false).empty());
    EXPECT_TRUE(unload_obstacles(SystemState{.xen = each}, true).empty());
  }
}

}  // namespace
}  // namespace lifeboat
