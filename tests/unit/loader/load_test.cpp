// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/load_checks.h"
#include "loader/load_lock.h"
#include "src/base/size.h"
#include "tests/support/fake_machine.h"

namespace lifeboat {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class CrashLoad : public testing::Test {
 protected:
  void SetUp() override {
    machine_.on_load([] { return ENOTSUP; });
  }
  // The call does what it is asked for.
  void let_it_load(const char* file = "kernel/kexec_crash_loaded") {
    machine_.on_load([this, file] {
      machine_.put_sys(file, "1\n");
      return sys::kPretend;
    });
  }
  Result<LoadReport> load() {
    const auto kernel = read_kernel_file(machine_.path("kernel"));
    if (!kernel) return std::unexpected(kernel.error());
    return load_kernel(request_, *kernel, machine_.paths());
  }
  // The text of a refusal that came before the call.
  std::string refusal() {
    const auto loaded = load();
    EXPECT_EQ(machine_.calls, 0);
    if (loaded) return "loaded";
    EXPECT_FALSE(loaded.error().fix.empty()) << loaded.error().message;
    return loaded.error().to_string();
  }

  // Only kexec_file_load is possible: this machine lacks the data that the other call needs.
  test::FakeMachine machine_;
  LoadRequest request_ = machine_.request();
};

TEST_F(CrashLoad, LoadsAndConfirms) {
  let_it_load();
  const auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  EXPECT_EQ(loaded->release, "6.12.1-test");
  EXPECT_THAT(loaded->warnings, IsEmpty());
  EXPECT_EQ(machine_.calls, 1);
}

TEST_F(CrashLoad, NormalKexecNeedsNoReservation) {
  machine_.put_sys("kernel/kexec_crash_size", "0\n");
  request_.crash = false;
  request_.initramfs.clear();
  let_it_load("kernel/kexec_loaded");
  const auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  EXPECT_THAT(loaded->warnings, IsEmpty());
}

TEST_F(CrashLoad, KernelFileIsCheckedFirst) {
  machine_.put("kernel", "070701");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("initramfs"), HasSubstr("kernel first")));
  machine_.put_kernel({.relocatable_kernel = 0});
  EXPECT_THAT(refusal(), AllOf(HasSubstr("cannot be loaded"), HasSubstr("CONFIG_RELOCATABLE")));
  machine_.put_kernel({.syssize = 100000});
  EXPECT_THAT(refusal(), HasSubstr("protected-mode code"));
  machine_.remove("kernel");
  EXPECT_THAT(refusal(), HasSubstr("No such file"));
}

TEST_F(CrashLoad, InitramfsIsCheckedFirst) {
  machine_.put("initramfs", "");
  EXPECT_THAT(refusal(), HasSubstr("an empty file"));
  machine_.put("initramfs", "hello");
  EXPECT_THAT(refusal(), HasSubstr("is not an initramfs"));
  machine_.put("initramfs", as_text(test::build_bzimage()));
  EXPECT_THAT(refusal(), HasSubstr("an x86 kernel"));
  machine_.remove("initramfs");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("No such file"), HasSubstr("lifeboat build")));
  ASSERT_EQ(::mkfifo(machine_.path("initramfs").c_str(), 0600), 0);
  EXPECT_THAT(refusal(), HasSubstr("not a regular file"));
}

TEST_F(CrashLoad, CompressedInitramfsIsTaken) {
  machine_.put("initramfs", "\x28\xb5\x2f\xfd and so on");
  let_it_load();
  EXPECT_TRUE(load());
}

TEST_F(CrashLoad, CommandLineMustFit) {
  request_.command_line = "a\nb";
  EXPECT_THAT(refusal(), HasSubstr("newline"));
  request_.command_line = std::string("a\0b", 3);
  EXPECT_THAT(refusal(), HasSubstr("NUL"));
  // 2047 less the NUL and " elfcorehdr=0x..." and " dmcryptkeys=0x..."
  request_.command_line = std::string(1986, 'x');
  EXPECT_THAT(refusal(), AllOf(HasSubstr("1986 characters"), HasSubstr("takes 1985")));
  request_.command_line->pop_back();
  let_it_load();
  EXPECT_TRUE(load());
}

TEST_F(CrashLoad, ReservationMustBeThereAndLargeEnough) {
  machine_.put_sys("kernel/kexec_crash_size", "0\n");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("no memory is reserved"), HasSubstr("lifeboat reserve set auto")));
  machine_.put_sys("kernel/kexec_crash_size", "67108864\n");
  machine_.put_kernel({.init_size = 64u << 20});
  EXPECT_THAT(refusal(),
              AllOf(HasSubstr("too small"), HasSubstr("64.0 MiB"), HasSubstr("lifeboat reserve set auto")));
}

TEST_F(CrashLoad, ReservationIsUsedFromAnAlignedAddressOn) {
  machine_.put_kernel({.kernel_alignment = 16u << 20, .init_size = 48u << 20});
  machine_.put_sys("kernel/kexec_crash_size", "67108864\n");
  machine_.put_proc("iomem", "  20000000-23ffffff : Crash kernel\n");
  let_it_load();
  EXPECT_TRUE(load());
  machine_.calls = 0;
  machine_.put_proc("iomem", "  20100000-240fffff : Crash kernel\n");
  EXPECT_THAT(refusal(), HasSubstr("49.0 MiB of its 64.0 MiB can be used"));
}

TEST_F(CrashLoad, ElfHeadersOfLargeMachinesCount) {
  const auto kernel = NativeKernel::parse(test::build_bzimage(), "kernel").value();
  const auto small = crash_memory_needed(kernel, 1000, SystemState{}, 4_KiB);
  EXPECT_EQ(crash_memory_needed(kernel, 1000, SystemState{.elfcorehdr_size = 1u << 20}, 4_KiB),
            small + (1u << 20) - 0x10000);
}

TEST_F(CrashLoad, FilesTakeWholePagesOfTheMachine) {
  NativeKernel kernel;
  kernel.memory_size = 32_MiB;
  const auto needed = [&](uint64_t initramfs, uint64_t page) {
    return crash_memory_needed(kernel, initramfs, SystemState{}, page);
  };
  const uint64_t empty = needed(0, 4_KiB);
  EXPECT_EQ(needed(0, 64_KiB), empty);
  EXPECT_EQ(needed(1, 4_KiB), empty + 4_KiB);
  EXPECT_EQ(needed(1, 16_KiB), empty + 16_KiB);
  EXPECT_EQ(needed(16_KiB + 1, 16_KiB), empty + 32_KiB);
  kernel.memory_size += 1;
  EXPECT_EQ(needed(0, 64_KiB), empty + 64_KiB);
}

TEST_F(CrashLoad, WhatForbidsItIsReportedFirst) {
  machine_.put_proc("sys/kernel/kexec_load_limit_panic", "0\n");
  EXPECT_THAT(refusal(), HasSubstr("kexec_load_limit_panic is 0"));
  machine_.put_proc("sys/kernel/kexec_load_disabled", "1\n");
  EXPECT_THAT(refusal(), HasSubstr("kexec_load_disabled is 1"));
  machine_.put_proc("self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("CAP_SYS_BOOT"), HasSubstr("root")));
}

TEST_F(CrashLoad, LimitOfTheOtherKindDoesNotMatter) {
  machine_.put_proc("sys/kernel/kexec_load_limit_reboot", "0\n");
  let_it_load();
  EXPECT_TRUE(load());
}

TEST_F(CrashLoad, WhatMayBeFineIsAWarning) {
  machine_.put_sys("kernel/security/lockdown", "none [integrity] confidentiality\n");
  machine_.remove("sys/kernel/kexec_crash_size");
  request_.initramfs.clear();
  let_it_load();
  const auto loaded = load();
  ASSERT_TRUE(loaded);
  EXPECT_THAT(loaded->warnings, Contains(HasSubstr("signature")));
  EXPECT_THAT(loaded->warnings, Contains(HasSubstr("no initramfs")));
  EXPECT_THAT(loaded->warnings, Contains(HasSubstr("how much memory is reserved")));
}

TEST_F(CrashLoad, EveryErrnoIsExplained) {
  const std::pair<int, const char*> kExpected[] = {
      {ENOEXEC, "does not accept this kernel file"},
      {EINVAL, "these arguments"},
      {EPERM, "refuses"},
      {EADDRNOTAVAIL, "lifeboat reserve set auto"},
      {ENOMEM, "out of memory"},
      {ENOSYS, "CONFIG_KEXEC_FILE"},
      {EKEYREJECTED, "rejected"},
      {ENOKEY, "does not trust"},
      {ENODATA, "has no signature"},
      {EBADMSG, "damaged"},
      {ELIBBAD, "damaged"},
      {ENOPKG, "algorithm"},
      {EKEYEXPIRED, "expired"},
      {EKEYREVOKED, "revoked"},
      {EACCES, "policy"},
      {ETXTBSY, "open for writing"},
      {EFAULT, "report this bug"},
      {EFBIG, "larger"},
      {EBADF, "cannot read"},
      {EIO, "dmesg"},
      {ENOTSUP, "dmesg"},
  };
  for (const auto& [error_number, words] : kExpected) {
    machine_.on_load([number = error_number] { return number; });
    const auto loaded = load();
    ASSERT_FALSE(loaded) << words;
    EXPECT_EQ(loaded.error().sys_errno, error_number);
    EXPECT_FALSE(loaded.error().fix.empty()) << words;
    EXPECT_THAT(loaded.error().to_string(), AllOf(HasSubstr(words), HasSubstr(machine_.path("kernel")),
                                                  HasSubstr("NO capture kernel is loaded, as before")));
  }
}

TEST_F(CrashLoad, RefusalInLockdownIsAboutTheSignature) {
  machine_.put_sys("kernel/security/lockdown", "none integrity [confidentiality]\n");
  machine_.on_load([] { return EPERM; });
  const auto loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::no_permission);
  EXPECT_THAT(loaded.error().to_string(),
              AllOf(HasSubstr("lockdown (confidentiality)"), HasSubstr("mokutil")));
}

TEST_F(CrashLoad, ReportsTheStateOfTheOldImage) {
  machine_.put_sys("kernel/kexec_crash_loaded", "1\n");
  machine_.on_load([] { return EINVAL; });
  EXPECT_THAT(load().error().message, HasSubstr("the previous capture kernel is still loaded"));
  machine_.on_load([this] {
    if (machine_.asked().back().flags == 0) return EBADF;
    machine_.put_sys("kernel/kexec_crash_loaded", "0\n");
    return EADDRNOTAVAIL;
  });
  EXPECT_THAT(load().error().message, HasSubstr("NO capture kernel is loaded now"));
  machine_.on_load([this] {
    machine_.remove("sys/kernel/kexec_crash_loaded");
    return EINVAL;
  });
  EXPECT_THAT(load().error().message, HasSubstr("cannot read whether"));
  request_.crash = false;
  EXPECT_THAT(load().error().message, HasSubstr("no kernel is loaded for the next reboot"));
}

TEST_F(CrashLoad, BusyIsWaitedFor) {
  machine_.on_load([this] {
    if (machine_.calls < 3) return EBUSY;
    machine_.put_sys("kernel/kexec_crash_loaded", "1\n");
    return sys::kPretend;
  });
  EXPECT_TRUE(load());
  EXPECT_EQ(machine_.calls, 3);
}

TEST_F(CrashLoad, BusyForTooLong) {
  machine_.on_load([] { return EBUSY; });
  request_.busy_deadline = 150ms;
  const auto loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::busy);
  EXPECT_THAT(loaded.error().message, HasSubstr("another program is loading a kernel"));
  EXPECT_GE(machine_.calls, 2);
  EXPECT_LE(machine_.calls, 4);
}

TEST_F(CrashLoad, SuccessThatTheKernelDenies) {
  machine_.on_load([] { return sys::kPretend; });
  EXPECT_THAT(load().error().message, HasSubstr("a crash would not be captured"));
}

TEST_F(CrashLoad, SuccessThatCannotBeConfirmed) {
  machine_.on_load([this] {
    machine_.remove("sys/kernel/kexec_crash_loaded");
    return sys::kPretend;
  });
  const auto loaded = load();
  ASSERT_TRUE(loaded);
  EXPECT_THAT(loaded->warnings, Contains(HasSubstr("cannot read from /sys")));
}

// The choice between the two calls.
class LoadCalls : public CrashLoad {
 protected:
  void SetUp() override {
    CrashLoad::SetUp();
    machine_.put_notes();
    machine_.on_segments([this] {
      machine_.put_sys("kernel/kexec_crash_loaded", "1\n");
      return sys::kPretend;
    });
  }
};

TEST_F(LoadCalls, FallBackOnlyWhereTheCallItselfIsNotKnown) {
  for (const int error : {ENOSYS, ENOEXEC, EINVAL, ENOTSUP}) {
    machine_.put_sys("kernel/kexec_crash_loaded", "0\n");
    machine_.segment_calls = 0;
    machine_.on_load([error] { return error; });
    const auto loaded = load();
    ASSERT_TRUE(loaded) << loaded.error().to_string();
    EXPECT_EQ(loaded->call, LoadCall::segments);
    EXPECT_EQ(machine_.segment_calls, 1);
    EXPECT_THAT(loaded->warnings, Contains(HasSubstr("loading it with kexec_load(2)"))) << error;
    EXPECT_THAT(loaded->command_line, testing::StartsWith("elfcorehdr=0x"));
  }
}

TEST_F(LoadCalls, NeverFallBackFromARefusal) {
  for (const int error :
       {EPERM, EKEYREJECTED, ENOKEY, ENODATA, EBADMSG, EACCES, ENOMEM, EADDRNOTAVAIL, EBUSY, EIO}) {
    machine_.on_load([error] { return error; });
    request_.busy_deadline = 10ms;
    const auto loaded = load();
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().sys_errno, error);
    EXPECT_EQ(machine_.segment_calls, 0) << error;
  }
}

TEST_F(LoadCalls, OneCallIsMadeWhenOneIsAskedFor) {
  machine_.on_load([] { return ENOSYS; });
  request_.call = LoadCall::file;
  EXPECT_FALSE(load());
  EXPECT_EQ(machine_.segment_calls, 0);
  machine_.calls = 0;
  request_.call = LoadCall::segments;
  EXPECT_TRUE(load());
  EXPECT_EQ(machine_.calls, 0);
  EXPECT_EQ(machine_.segment_calls, 1);
}

TEST_F(LoadCalls, LimitsOnThePlaceAreHonouredByTheCallThatCan) {
  request_.memory_min = 0x24000000;
  const auto loaded = load();
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  EXPECT_EQ(loaded->call, LoadCall::segments);
  EXPECT_EQ(machine_.calls, 0);
}

TEST_F(LoadCalls, TheLastPermittedLoadIsNotSpentOnATry) {
  machine_.put_proc("sys/kernel/kexec_load_limit_panic", "1\n");
  machine_.on_load([] { return ENOEXEC; });
  EXPECT_FALSE(load());
  EXPECT_EQ(machine_.segment_calls, 0);
}

TEST_F(LoadCalls, WithoutARunToWriteToThereIsNoLock) {
  SystemPaths paths = machine_.paths();
  paths.run = machine_.path("not there");
  const auto kernel = read_kernel_file(machine_.path("kernel")).value();
  machine_.on_load([this] {
    machine_.put_sys("kernel/kexec_crash_loaded", "1\n");
    return sys::kPretend;
  });
  EXPECT_TRUE(load_kernel(request_, kernel, paths));
}

TEST_F(LoadCalls, LockdownForbidsSegmentsBeforeAnythingIsLost) {
  machine_.put_sys("kernel/security/lockdown", "none [integrity] confidentiality\n");
  machine_.on_load([] { return ENOEXEC; });
  EXPECT_FALSE(load());
  EXPECT_EQ(machine_.segment_calls, 0);
  machine_.calls = 0;
  request_.call = LoadCall::segments;
  EXPECT_THAT(refusal(), AllOf(HasSubstr("lockdown (integrity)"), HasSubstr("--syscall file")));
  EXPECT_EQ(machine_.segment_calls, 0);
}

TEST_F(LoadCalls, AFallBackThatCannotWorkIsReported) {
  machine_.remove("sys/kernel/vmcoreinfo");
  machine_.on_load([] { return ENOEXEC; });
  const auto loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message,
              AllOf(HasSubstr("kexec_load(2) cannot be used either"), HasSubstr("vmcoreinfo")));
  EXPECT_EQ(machine_.segment_calls, 0);
}

TEST_F(LoadCalls, SegmentsThatDoNotFitAreRefusedBeforeTheCall) {
  machine_.put_kernel({.init_size = 300u << 20});
  request_.call = LoadCall::segments;
  EXPECT_THAT(refusal(), AllOf(HasSubstr("no free memory for the kernel"), HasSubstr("300.0 MiB")));
  EXPECT_EQ(machine_.segment_calls, 0);
}

TEST_F(LoadCalls, TheErrnosOfSegmentsHaveTheirOwnExplanations) {
  request_.call = LoadCall::segments;
  const std::pair<int, const char*> kExpected[] = {{EADDRNOTAVAIL, "--mem-min"},
                                                   {EINVAL, "these segments"},
                                                   {ENOSYS, "no kexec_load"},
                                                   {EPERM, "refuses"}};
  for (const auto& [error_number, words] : kExpected) {
    machine_.on_segments([number = error_number] { return number; });
    const auto loaded = load();
    ASSERT_FALSE(loaded);
    EXPECT_THAT(loaded.error().to_string(),
                AllOf(HasSubstr(words), HasSubstr("NO capture kernel is loaded, as before")));
    EXPECT_FALSE(loaded.error().fix.empty());
  }
}

TEST_F(LoadCalls, ADryRunCallsNothingAndNamesWhatStandsInTheWay) {
  machine_.put_proc("self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
  const auto kernel = read_kernel_file(machine_.path("kernel")).value();
  const auto plan = dry_run(request_, kernel, machine_.paths());
  ASSERT_TRUE(plan) << plan.error().to_string();
  EXPECT_THAT(plan->warnings, Contains(HasSubstr("CAP_SYS_BOOT")));
  EXPECT_EQ(machine_.calls + machine_.segment_calls, 0);
}

TEST_F(CrashLoad, UnloadOfNothingMakesNoCall) {
  machine_.put_proc("sys/kernel/kexec_load_limit_panic", "0\n");
  EXPECT_TRUE(unload_kernel(true, machine_.paths()));
  EXPECT_EQ(machine_.calls, 0);
}

TEST_F(CrashLoad, UnloadRemovesItOrReportsWhyNot) {
  machine_.put_sys("kernel/kexec_crash_loaded", "1\n");
  machine_.on_load([] { return EPERM; });
  EXPECT_THAT(unload_kernel(true, machine_.paths()).error().message, HasSubstr("cannot unload"));
  machine_.on_load([] { return sys::kPretend; });
  EXPECT_THAT(unload_kernel(true, machine_.paths()).error().message,
              HasSubstr("reports that a kernel is loaded"));
  machine_.put_proc("sys/kernel/kexec_load_disabled", "1\n");
  EXPECT_THAT(unload_kernel(true, machine_.paths()).error().message, HasSubstr("kexec_load_disabled"));
  machine_.put_proc("sys/kernel/kexec_load_disabled", "0\n");
  machine_.on_load([this] {
    machine_.put_sys("kernel/kexec_crash_loaded", "0\n");
    return sys::kPretend;
  });
  EXPECT_TRUE(unload_kernel(true, machine_.paths()));
}

TEST_F(CrashLoad, UnloadByTheOtherCallWhereThereIsNoFileLoad) {
  machine_.put_sys("kernel/kexec_crash_loaded", "1\n");
  machine_.on_load([] { return ENOSYS; });
  machine_.on_segments([this] {
    machine_.put_sys("kernel/kexec_crash_loaded", "0\n");
    return sys::kPretend;
  });
  EXPECT_TRUE(unload_kernel(true, machine_.paths()));
  EXPECT_EQ(machine_.segment_calls, 1);
}

TEST_F(CrashLoad, ASecondLoaderWaitsForTheFirst) {
  let_it_load();
  auto held = lock_loads(machine_.paths(), 0ms);
  ASSERT_TRUE(held);
  request_.busy_deadline = 100ms;
  const auto loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::busy);
  EXPECT_THAT(loaded.error().message, HasSubstr(fmt::format("process {}", ::getpid())));
  EXPECT_EQ(machine_.calls, 0);
  held->file.reset();
  EXPECT_TRUE(load());
}

TEST_F(CrashLoad, TheLockFollowsNoLink) {
  std::filesystem::create_directory(machine_.path("lifeboat"));
  std::filesystem::create_symlink("/dev/null", machine_.path("lifeboat/load.lock"));
  EXPECT_FALSE(load());
  EXPECT_EQ(machine_.calls, 0);
}

}  // namespace
}  // namespace lifeboat
