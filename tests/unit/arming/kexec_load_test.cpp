// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/kexec_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loader/command_line.h"
#include "tests/support/fake_machine.h"
#include "tests/support/results.h"

namespace lifeboat::arming {
namespace {

using test::code_of;
using test::why;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kRunning = "root=/dev/sda1 crashkernel=256M -- 3";

class KexecLoad : public testing::Test {
 protected:
  KexecLoad() { machine_.put_proc("cmdline", std::string(kRunning) + "\n"); }
  Result<LoadRequest> request(const KexecLoadOptions& options) {
    KernelFile kernel = TRY(read_kernel_file(machine_.path("kernel")));
    kernel.command_line = own_command_line_;
    return kexec_request(options, kernel, TRY(kexec_initramfs(options, machine_.paths())), machine_.paths());
  }
  [[nodiscard]] std::optional<std::string> command_line(const KexecLoadOptions& options) {
    const auto made = request(options);
    EXPECT_TRUE(made) << why(made);
    return made ? made->command_line : std::nullopt;
  }
  test::FakeMachine machine_;
  std::optional<std::string> own_command_line_;  // as of a unified kernel image
};

TEST_F(KexecLoad, TakesOnlyWhatIsGiven) {
  EXPECT_EQ(command_line({}), std::nullopt);
  EXPECT_EQ(command_line({.append = "single"}), "single");
  EXPECT_EQ(command_line({.crash = true, .append = "maxcpus=1"}), "maxcpus=1");
  EXPECT_THAT(request({})->initramfs, IsEmpty());
  EXPECT_THAT(request({.initrd = "/boot/i"})->initramfs, ElementsAre("/boot/i"));
}

TEST_F(KexecLoad, ReusesTheRunningCommandLineWithoutAdditions) {
  EXPECT_EQ(command_line({.reuse_command_line = true}),
            normal_command_line({.reused = kRunning, .append = ""}));
  const CommandLineParts parts{.reused = kRunning, .append = "irqpoll"};
  EXPECT_EQ(command_line({.crash = true, .reuse_command_line = true, .append = "irqpoll"}),
            bare_crash_command_line(parts));
  EXPECT_NE(bare_crash_command_line(parts), crash_command_line(parts));
  machine_.remove("proc/cmdline");
  EXPECT_FALSE(request({.reuse_command_line = true}));
}

TEST_F(KexecLoad, NoEfiIsForTheKernelNotForInit) {
  EXPECT_EQ(command_line({.no_efi = true}), "noefi");
  EXPECT_EQ(command_line({.no_efi = true, .append = "-- 3"}), "noefi -- 3");
  // At the next reboot it stands in the reused line already.
  EXPECT_EQ(command_line({.no_efi = true, .append = "noefi a"}), "noefi a");
  EXPECT_EQ(command_line({.no_efi = true, .append = "a -- noefi"}), "noefi a -- noefi");
  own_command_line_ = "of=image";
  EXPECT_EQ(command_line({.no_efi = true}), "noefi of=image");
  EXPECT_EQ(command_line({}), std::nullopt) << "the image's own";
}

TEST_F(KexecLoad, PassesTheRestOn) {
  const auto made =
      request({.crash = true, .verify = false, .call = LoadCall::segments, .memory_min = 1, .memory_max = 2});
  ASSERT_TRUE(made) << why(made);
  EXPECT_TRUE(made->crash);
  EXPECT_FALSE(made->verify);
  EXPECT_EQ(made->call, LoadCall::segments);
  EXPECT_EQ(made->memory_min, 1U);
  EXPECT_EQ(made->memory_max, 2U);
}

TEST_F(KexecLoad, TheInitramfsOfThisBootMustHaveBeenKept) {
  EXPECT_EQ(code_of(request({.reuse_initrd = true})), ErrorCode::not_found);
  machine_.put_sys("firmware/initrd", "070701");
  EXPECT_THAT(request({.reuse_initrd = true})->initramfs, ElementsAre(machine_.path("sys/firmware/initrd")));
}

TEST_F(KexecLoad, TheMachineIsCheckedFirst) {
  EXPECT_TRUE(check_kexec_machine({.crash = true}, read_system_state(machine_.paths())));
  EXPECT_EQ(
      code_of(check_kexec_machine({.crash = true, .hotplug = true}, read_system_state(machine_.paths()))),
      ErrorCode::unsupported);
  machine_.put_sys("kernel/kexec_crash_size", "0\n");
  const SystemState none = read_system_state(machine_.paths());
  EXPECT_EQ(code_of(check_kexec_machine({.crash = true}, none)), ErrorCode::not_found);
  EXPECT_TRUE(check_kexec_machine({.crash = false}, none));
}

TEST_F(KexecLoad, XensDom0IsRefusedBeforeTheMissingReservation) {
  machine_.put_sys("kernel/kexec_crash_size", "0\n");
  machine_.put_proc("xen/capabilities", "control_d\n");
  for (const bool crash : {true, false}) {
    const auto checked = check_kexec_machine({.crash = crash}, read_system_state(machine_.paths()));
    EXPECT_EQ(code_of(checked), ErrorCode::unsupported);
    EXPECT_THAT(checked.error().fix, HasSubstr("GRUB_CMDLINE_XEN"));
  }
}

// -a, -s and -c with Kexec Handover.
TEST_F(KexecLoad, OnlyTheOptionForKexecLoadGivesPreservedMemoryUp) {
  machine_.put_notes();
  machine_.put_proc("cmdline", std::string("kho=on ") + kRunning + "\n");
  machine_.on_load([] { return ENOEXEC; });
  machine_.on_segments([this] {
    machine_.put_sys("kernel/kexec_loaded", "1\n");
    return sys::kPretend;
  });
  const auto kernel = read_kernel_file(machine_.path("kernel")).value();
  const auto load = [&](const KexecLoadOptions& options) -> Result<LoadReport> {
    return load_kernel(TRY(request(options)), kernel, machine_.paths());
  };
  for (const auto call : {LoadCall::automatic, LoadCall::file}) {
    const auto loaded = load({.call = call, .append = "a"});
    EXPECT_EQ(code_of(loaded), ErrorCode::unsupported);
    EXPECT_EQ(loaded.error().message.find("KHO") != std::string::npos, call == LoadCall::automatic);
  }
  EXPECT_EQ(code_of(load({.memory_min = 0x1000000, .append = "a"})), ErrorCode::unsupported);
  EXPECT_EQ(machine_.segment_calls, 0);
  const auto loaded = load({.call = LoadCall::segments, .append = "a"});
  ASSERT_TRUE(loaded) << why(loaded);
  EXPECT_THAT(loaded->warnings, testing::Contains(HasSubstr("KHO")));
}

}  // namespace
}  // namespace lifeboat::arming
