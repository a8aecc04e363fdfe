// SPDX-License-Identifier: GPL-2.0-or-later
// Loads on a kernel that requires signatures, in lockdown and without one, and on one with Kexec Handover.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/load.h"
#include "loader/load_checks.h"
#include "loader/obstacles.h"
#include "tests/support/elf_kernel_builder.h"
#include "tests/support/fake_machine.h"
#include "tests/support/results.h"

namespace lifeboat {
namespace {

using test::code_of;
using test::FakeMachine;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr int kSignatureErrors[] = {EKEYREJECTED, ENOKEY,  ENODATA,     ENOPKG,
                                    EBADMSG,      ELIBBAD, EKEYEXPIRED, EKEYREVOKED};

// A machine on which both calls are possible; kexec_load always succeeds.
class Loads : public testing::Test {
 protected:
  Loads() {
    machine_.put_notes();
    machine_.on_segments([this] {
      machine_.put_sys(request_.crash ? "kernel/kexec_crash_loaded" : "kernel/kexec_loaded", "1\n");
      return sys::kPretend;
    });
    finds(0);
  }
  // What the kernel says of the file.
  void finds(int error_number) {
    machine_.behave([error_number] { return error_number; });
  }
  void capture_kernel_is_loaded() const { machine_.put_sys("kernel/kexec_crash_loaded", "1\n"); }
  [[nodiscard]] bool capture_kernel_is_there() const {
    return read_system_state(machine_.paths()).crash_loaded == true;
  }
  void lock_down() const {
    machine_.put_sys("kernel/security/lockdown", "none [integrity] confidentiality\n");
  }
  void hand_over() const { machine_.put_proc("cmdline", "root=/dev/sda1 kho=on\n"); }
  void for_a_reboot() {
    request_.crash = false;
    request_.command_line = "root=/dev/sda1";
  }
  Result<LoadReport> load() {
    const auto kernel = read_kernel_file(machine_.path("kernel"));
    if (!kernel) return std::unexpected(kernel.error());
    machine_.forget_calls();
    return load_kernel(request_, *kernel, machine_.paths());
  }
  std::string fix() {
    const auto loaded = load();
    return loaded ? "loaded" : loaded.error().fix;
  }

  FakeMachine machine_;
  LoadRequest request_ = machine_.request();
};

using SignedLoads = Loads;

TEST_F(SignedLoads, ARefusalLeavesTheLoadedCaptureKernelWithoutLockdownToo) {
  for (const int error : kSignatureErrors) {
    finds(error);
    capture_kernel_is_loaded();
    const auto loaded = load();
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().sys_errno, error);
    EXPECT_THAT(loaded.error().message, HasSubstr("the previous capture kernel is still loaded"));
    EXPECT_TRUE(capture_kernel_is_there()) << error;
    EXPECT_EQ(machine_.segment_calls, 0) << error;
    for (const auto& asked : machine_.asked()) EXPECT_EQ(asked.flags & FakeMachine::kOnCrash, 0U);
  }
}

TEST_F(SignedLoads, InLockdownToo) {
  lock_down();
  finds(EPERM);
  capture_kernel_is_loaded();
  EXPECT_THAT(load().error().message, HasSubstr("the previous capture kernel is still loaded"));
  EXPECT_TRUE(capture_kernel_is_there());
  EXPECT_EQ(machine_.calls, 1);
}

TEST_F(SignedLoads, TheQuestionChangesNothingAndAGoodFileIsLoaded) {
  capture_kernel_is_loaded();
  machine_.put_sys("kernel/kexec_loaded", "1\n");
  const auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  EXPECT_THAT(loaded->warnings, IsEmpty());
  ASSERT_EQ(machine_.asked().size(), 2U);
  EXPECT_EQ(machine_.asked()[0].flags, 0U);
  EXPECT_EQ(machine_.asked()[0].initrd_fd, -1);
  EXPECT_EQ(machine_.asked()[1].flags, FakeMachine::kOnCrash);
  // The kernel for the next reboot is still the one that was loaded before.
  EXPECT_EQ(read_system_state(machine_.paths()).normal_loaded, true);
}

TEST_F(SignedLoads, NothingIsAskedWithoutACaptureKernelToLose) {
  EXPECT_TRUE(load());
  EXPECT_EQ(machine_.calls, 1);
  for_a_reboot();
  EXPECT_TRUE(load());
  EXPECT_EQ(machine_.calls, 1);
}

TEST_F(SignedLoads, WhetherACaptureKernelIsLoadedMayBeUnknown) {
  machine_.behave([this] {
    machine_.remove("sys/kernel/kexec_crash_loaded");
    return 0;
  });
  machine_.remove("sys/kernel/kexec_crash_loaded");
  EXPECT_TRUE(load());
  EXPECT_EQ(machine_.calls, 2);
}

TEST_F(SignedLoads, TheLastLoadsForARebootAreNotSpentOnAQuestion) {
  capture_kernel_is_loaded();
  machine_.put_proc("sys/kernel/kexec_load_limit_reboot", "2\n");
  auto loaded = load();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(machine_.calls, 1);
  EXPECT_THAT(loaded->warnings, IsEmpty());
  // A signature is required: what may be lost is reported.
  lock_down();
  loaded = load();
  ASSERT_TRUE(loaded);
  EXPECT_THAT(loaded->warnings, Contains(HasSubstr("kexec_load_limit_reboot")));
  machine_.put_proc("sys/kernel/kexec_load_limit_reboot", "-1\n");
  EXPECT_TRUE(load());
  EXPECT_EQ(machine_.calls, 2);
}

TEST_F(SignedLoads, AFormatThatIsNotKnownCostsNoCaptureKernelEither) {
  capture_kernel_is_loaded();
  finds(ENOEXEC);
  machine_.on_segments([] { return ENOMEM; });
  const auto loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(machine_.segment_calls, 1);
  EXPECT_TRUE(capture_kernel_is_there());
}

TEST_F(SignedLoads, AKernelThatLoadsTheQuestionGetsItUnloaded) {
  capture_kernel_is_loaded();
  machine_.on_load([this] {
    if ((machine_.asked().back().flags & FakeMachine::kUnload) != 0)
      machine_.put_sys("kernel/kexec_loaded", "0\n");
    return sys::kPretend;
  });
  auto loaded = load();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(machine_.calls, 3);
  EXPECT_THAT(loaded->warnings, IsEmpty());
  machine_.put_sys("kernel/kexec_loaded", "1\n");
  loaded = load();
  ASSERT_TRUE(loaded);
  EXPECT_THAT(loaded->warnings, Contains(HasSubstr("lifeboat unload")));
}

TEST_F(SignedLoads, SegmentsAreOfferedWhereTheyWouldWork) {
  for (const int error : kSignatureErrors) {
    finds(error);
    EXPECT_THAT(fix(), AllOf(HasSubstr("--syscall segments"), HasSubstr("[capture] syscall"))) << error;
    EXPECT_EQ(machine_.segment_calls, 0) << error;
  }
  request_.call = LoadCall::file;
  EXPECT_THAT(fix(), HasSubstr("--syscall segments"));
  for_a_reboot();
  for (const auto call : {LoadCall::automatic, LoadCall::file}) {
    request_.call = call;
    EXPECT_THAT(fix(), AllOf(HasSubstr("--syscall segments"), Not(HasSubstr("[capture]"))));
  }
  request_.call = LoadCall::segments;
  EXPECT_EQ(fix(), "loaded");
}

TEST_F(SignedLoads, SegmentsAreNotOfferedWhereTheyWouldNotWork) {
  finds(EKEYREJECTED);
  machine_.put_sys("kernel/security/lockdown", "[none] integrity confidentiality\n");
  EXPECT_THAT(fix(), HasSubstr("--syscall segments"));
  const auto refused = [this] {
    for (const auto call : {LoadCall::automatic, LoadCall::file}) {
      request_.call = call;
      EXPECT_THAT(fix(), AllOf(Not(HasSubstr("segments")), Not(IsEmpty())));
    }
  };
  lock_down();
  refused();
  machine_.remove("sys/kernel/security/lockdown");
  // IMA, by its policy and with Secure Boot.
  machine_.put_sys("kernel/security/ima/policy", "appraise func=KEXEC_KERNEL_CHECK appraise_type=imasig\n");
  refused();
  machine_.put_sys("kernel/security/ima/policy", "measure func=KEXEC_KERNEL_CHECK\n");
  EXPECT_THAT(fix(), HasSubstr("--syscall segments"));
  machine_.put_sys("kernel/security/lockdown", "[none] integrity confidentiality\n");
  machine_.put_sys("firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
                   std::string_view("\6\0\0\0\1", 5));
  refused();
  machine_.remove("sys/kernel/security");
  machine_.remove("sys/firmware");
  // This machine lacks what a plan needs.
  machine_.remove("sys/kernel/vmcoreinfo");
  refused();
}

TEST_F(SignedLoads, SegmentsAreNotOfferedWhenTheLimitIsUsedUp) {
  machine_.put_proc("sys/kernel/kexec_load_limit_panic", "1\n");
  machine_.behave([this] {
    machine_.put_proc("sys/kernel/kexec_load_limit_panic", "0\n");
    return ENODATA;
  });
  EXPECT_THAT(fix(), Not(HasSubstr("segments")));
}

TEST_F(SignedLoads, OtherRefusalsAreNotAboutTheSignature) {
  for (const int error : {EPERM, EACCES, ENOMEM, EADDRNOTAVAIL, ETXTBSY, EIO, EBUSY}) {
    request_.busy_deadline = std::chrono::milliseconds(10);
    finds(error);
    EXPECT_FALSE(is_signature_refusal(error));
    EXPECT_THAT(fix(), Not(HasSubstr("segments"))) << error;
  }
}

TEST_F(SignedLoads, TheConfigurationOfTheKernelShowsThatSignaturesAreRequired) {
  EXPECT_EQ(read_system_state(machine_.paths()).signature_forced, std::nullopt);
  machine_.put_proc("sys/kernel/osrelease", "6.12.1-test\n");
  machine_.put("boot/config-6.12.1-test", "CONFIG_KEXEC_SIG=y\n# CONFIG_KEXEC_SIG_FORCE is not set\n");
  EXPECT_EQ(read_system_state(machine_.paths()).signature_forced, false);
  machine_.put("boot/config-6.12.1-test", "CONFIG_KEXEC_SIG=y\nCONFIG_KEXEC_SIG_FORCE=y\n");
  EXPECT_EQ(read_system_state(machine_.paths()).signature_forced, true);
  machine_.put("boot/config-6.12.1-test", "CONFIG_KEXEC_SIG_FORCE\n");
  EXPECT_EQ(read_system_state(machine_.paths()).signature_forced, std::nullopt);
}

// --- Kexec Handover.

class HandoverLoads : public Loads {
 protected:
  HandoverLoads() {
    hand_over();
    for_a_reboot();
  }
  // Refused before any call, or after that of kexec_file_load alone.
  void expect_refusal(int file_calls) {
    const auto loaded = load();
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().code, ErrorCode::usage);
    EXPECT_THAT(loaded.error().message, AllOf(HasSubstr("KHO"), HasSubstr("kho=on")));
    EXPECT_THAT(loaded.error().fix, HasSubstr("--syscall segments"));
    EXPECT_EQ(machine_.calls, file_calls);
    EXPECT_EQ(machine_.segment_calls, 0);
  }
};

TEST_F(HandoverLoads, ALoadByFileIsAsAlways) {
  const auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  EXPECT_EQ(loaded->call, LoadCall::file);
  EXPECT_THAT(loaded->warnings, IsEmpty());
}

TEST_F(HandoverLoads, ThereIsNoFallBack) {
  for (const int error : {ENOSYS, ENOEXEC, EINVAL, ENOTSUP}) {
    finds(error);
    expect_refusal(1);
  }
}

TEST_F(HandoverLoads, AnElfKernelIsRefusedBeforeTheCall) {
  machine_.put("kernel", as_text(test::build_elf_kernel()));
  expect_refusal(0);
}

TEST_F(HandoverLoads, OptionsThatImplyTheCallDoNotAskForIt) {
  request_.memory_min = 0x1000000;
  expect_refusal(0);
  request_.call = LoadCall::segments;
  request_.call_is_implied = true;
  expect_refusal(0);
  request_.memory_min = 0;
  request_.call = LoadCall::automatic;
  request_.verify = false;
  expect_refusal(0);
}

TEST_F(HandoverLoads, SegmentsByNameAreObeyedWithAWarning) {
  request_.call = LoadCall::segments;
  const auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  EXPECT_EQ(loaded->call, LoadCall::segments);
  EXPECT_EQ(machine_.calls, 0);
  EXPECT_THAT(loaded->warnings, Contains(AllOf(HasSubstr("KHO"), HasSubstr("destroys"))));
}

TEST_F(HandoverLoads, ARefusedSignatureOffersNoSegments) {
  finds(EKEYREJECTED);
  EXPECT_THAT(fix(), Not(HasSubstr("segments")));
}

TEST_F(HandoverLoads, NoRoomIsAboutTheScratchMemory) {
  finds(EADDRNOTAVAIL);
  EXPECT_THAT(fix(), HasSubstr("kho_scratch="));
}

TEST_F(HandoverLoads, InLockdownSegmentsAreForbiddenAnyway) {
  lock_down();
  request_.call = LoadCall::segments;
  EXPECT_THAT(load().error().message, HasSubstr("lockdown"));
  EXPECT_EQ(machine_.segment_calls, 0);
}

TEST_F(HandoverLoads, WithoutItTheFallBackIsAsAlways) {
  machine_.put_proc("cmdline", "root=/dev/sda1 kho=off\n");
  finds(ENOEXEC);
  const auto loaded = load();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->call, LoadCall::segments);
}

TEST_F(HandoverLoads, ADryRunShowsNoSegmentsThatWouldNotBeLoaded) {
  const auto kernel = read_kernel_file(machine_.path("kernel")).value();
  const auto shown = dry_run(request_, kernel, machine_.paths());
  ASSERT_EQ(code_of(shown), ErrorCode::unsupported);
  // The kernel and the options are no obstacle to a real load.
  EXPECT_THAT(shown.error().to_string(), Not(HasSubstr("cannot load this kernel")));
  EXPECT_THAT(shown.error().message, AllOf(HasSubstr("KHO"), HasSubstr("real load uses kexec_file_load")));
  EXPECT_THAT(shown.error().fix, HasSubstr("without --dry-run"));
  request_.memory_min = 0x1000000;
  const auto placed = dry_run(request_, kernel, machine_.paths());
  ASSERT_EQ(code_of(placed), ErrorCode::unsupported);
  EXPECT_THAT(placed.error().to_string(), HasSubstr("cannot load this kernel"));
  request_.memory_min = 0;
  request_.call = LoadCall::segments;
  const auto plan = dry_run(request_, kernel, machine_.paths());
  ASSERT_TRUE(plan) << plan.error().to_string();
  EXPECT_THAT(plan->warnings, Contains(HasSubstr("KHO")));
  request_.crash = true;
  request_.call = LoadCall::automatic;
  EXPECT_TRUE(dry_run(request_, kernel, machine_.paths()));
}

// Some kernels pass the data of KHO to a capture kernel too, which then fails.
TEST_F(HandoverLoads, ACaptureKernelIsLoadedBySegmentsOnceTheFileIsAccepted) {
  request_ = machine_.request();
  capture_kernel_is_loaded();
  auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  EXPECT_EQ(loaded->call, LoadCall::segments);
  EXPECT_EQ(machine_.calls, 1);
  EXPECT_EQ(machine_.asked()[0].flags, 0U);
  EXPECT_THAT(loaded->warnings, Contains(HasSubstr("KHO")));
  // A refusal stays one.
  finds(EKEYREJECTED);
  loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(machine_.segment_calls, 0);
  EXPECT_TRUE(capture_kernel_is_there());
}

TEST_F(HandoverLoads, ACaptureKernelByFileIsLoadedWithAWarning) {
  request_ = machine_.request();
  request_.call = LoadCall::file;
  auto loaded = load();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->call, LoadCall::file);
  EXPECT_THAT(loaded->warnings, Contains(AllOf(HasSubstr("KHO"), HasSubstr("kho=off"))));
  // The only way in lockdown.
  request_.call = LoadCall::automatic;
  lock_down();
  loaded = load();
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->call, LoadCall::file);
  EXPECT_THAT(loaded->warnings, Contains(HasSubstr("KHO")));
}

// --- Xen.

TEST_F(Loads, InXensDom0NothingIsLoaded) {
  machine_.put_sys("hypervisor/type", "xen\n");
  machine_.put_proc("xen/capabilities", "control_d\n");
  machine_.put_sys("kernel/kexec_crash_size", "0\n");
  for (const bool crash : {true, false}) {
    request_.crash = crash;
    for (const auto call : {LoadCall::automatic, LoadCall::file, LoadCall::segments}) {
      request_.call = call;
      const auto loaded = load();
      ASSERT_FALSE(loaded);
      EXPECT_EQ(loaded.error().code, ErrorCode::unsupported);
      EXPECT_THAT(loaded.error().message, HasSubstr("dom0"));
      EXPECT_THAT(loaded.error().fix, HasSubstr("GRUB_CMDLINE_XEN"));
      EXPECT_EQ(machine_.calls + machine_.segment_calls, 0);
    }
    const auto kernel = read_kernel_file(machine_.path("kernel")).value();
    EXPECT_EQ(code_of(dry_run(request_, kernel, machine_.paths())), ErrorCode::unsupported);
  }
}

TEST_F(Loads, InAXenGuestItDependsOnItsKind) {
  machine_.put_sys("hypervisor/type", "xen\n");
  machine_.put_sys("hypervisor/properties/features", "00001704\n");
  machine_.put_proc("xen/capabilities", "\n");
  for (const char* kind : {"HVM\n", "PVH\n"}) {
    machine_.put_sys("hypervisor/guest_type", kind);
    EXPECT_TRUE(load()) << kind;
  }
  machine_.put_sys("hypervisor/guest_type", "PV\n");
  const auto loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message, HasSubstr("paravirtualised"));
  EXPECT_EQ(machine_.calls, 0);
}

TEST_F(Loads, WhatIsLoadedInXensDom0CanBeUnloaded) {
  machine_.put_proc("xen/capabilities", "control_d\n");
  capture_kernel_is_loaded();
  EXPECT_THAT(not_armed_because(read_system_state(machine_.paths())), testing::SizeIs(1));
  EXPECT_TRUE(unload_kernel(true, machine_.paths()));
  EXPECT_FALSE(capture_kernel_is_there());
}

}  // namespace
}  // namespace lifeboat
