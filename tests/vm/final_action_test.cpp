// SPDX-License-Identifier: GPL-2.0-or-later
// What lifeboat-init does with the machine in the end: [final] action after a whole dump, [failure] action
// when there is none.
#include <gtest/gtest.h>

#include <optional>

#include "tests/support/programs.h"
#include "tests/vm/support/kernel_guest.h"
#include "tests/vm/support/must.h"

namespace lifeboat::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

constexpr const char* kVersion = "6.12";
constexpr const char* kNoDisk = "00000000-0000-4000-8000-00000000dead";

class EndOfCapture : public ::testing::Test {
 protected:
  // Up to the panic. `uuid`: of the file system that is to take the dump; `before_crash`: lines of the
  // guest's script.
  void crash(FinalAction after_dump, FinalAction after_failure, const std::string& uuid = kGuestDiskUuid,
             const std::string& before_crash = {}) {
    files_.add(kernel_path(kVersion), "boot/vmlinuz");
    files_.write(
        "boot/capture.img", capture_initramfs(kVersion, [&](InitramfsContents& contents) {
          CapturePlan& plan = contents.plan;
          plan.dump.level = levels_;
          plan.final.action = after_dump;
          plan.failure.action = after_failure;
          plan.capture.device_deadline = 1s;
          plan.targets = {{.uuid = uuid, .filesystem = "ext4", .path = "/crash/lifeboat"}};
          // It is there in any case; whether it runs is another matter.
          plan.shell = "/bin/busybox";
          contents.files.push_back({"/bin/busybox", 0755, must(read_file(*find_program("busybox")))});
        }));
    // Its console is where the test can type; of several serial ones a kernel takes the first.
    const std::string load =
        "printf '[capture]\\nremove = console\\n' >/tmp/capture.conf\n"
        "run load lifeboat load /disk/boot/vmlinuz --crash --initrd /disk/boot/capture.img "
        "--config /tmp/capture.conf --append console=ttyS1\n";
    guest_.emplace(GuestOptions{.name = ::testing::UnitTest::GetInstance()->current_test_info()->name(),
                                .kernel = kVersion,
                                .command_line = "crashkernel=128M",
                                .script = load + before_crash + "crash_now\nsleep 60\n"},
                   files_);
    const Mark loaded = guest_->wait_for("load");
    ASSERT_EQ(loaded.text, "0") << loaded.output;
  }
  // It answers, and the machine restarts when it is left.
  void expect_shell() {
    guest_->wait_for_line("a shell on the console", 300s);
    // What is typed before it listens may be lost.
    for (int tries = 60;; --tries) {
      guest_->answer("echo shell-$((40 + 2))");
      try {
        guest_->wait_for_line("shell-42", 2s);
        break;
      } catch (const std::exception&) {
        if (tries == 0) throw;
      }
    }
    EXPECT_THAT(guest_->console(), Not(HasSubstr("reboot: ")));
    guest_->answer("exit");
    guest_->wait_for_line("reboot: Restarting system");
    guest_->wait_for_end();
  }
  void expect_halt() {
    guest_->wait_for_line("reboot: System halted", 300s);
    EXPECT_THAT(guest_->console(), Not(HasSubstr("a shell on the console")));
  }
  std::vector<int> levels_ = {31};
  GuestFiles files_;
  std::optional<Guest> guest_;
};

// And somebody has put a link in the store's place since the machine was armed: the dump is saved all the
// same.
TEST_F(EndOfCapture, shell_after_a_dump) {
  ASSERT_NO_FATAL_FAILURE(crash(FinalAction::shell, FinalAction::halt, kGuestDiskUuid,
                                "mkdir /disk/crash /disk/elsewhere; chmod 1777 /disk/crash\n"
                                "ln -s ../elsewhere /disk/crash/lifeboat\n"));
  guest_->wait_for_line("lifeboat was not a folder", 300s);
  guest_->wait_for_line("lifeboat: phase capture-dump", 300s);
  expect_shell();
  const fs::path folder = guest_->fetch("/crash");
  EXPECT_TRUE(fs::is_symlink(folder / "lifeboat.was-in-the-way-1"));
  const auto list = run_lifeboat({"list", "--store", folder / "lifeboat", "--json"});
  EXPECT_THAT(list.text, HasSubstr("\"outcome\": \"whole\""));
}

TEST_F(EndOfCapture, halt_after_a_failure) {
  ASSERT_NO_FATAL_FAILURE(crash(FinalAction::shell, FinalAction::halt, kNoDisk));
  guest_->wait_for_line("lifeboat: phase capture-failed", 300s);
  expect_halt();
}

using LongEndOfCapture = EndOfCapture;

TEST_F(LongEndOfCapture, halt_after_a_dump) {
  ASSERT_NO_FATAL_FAILURE(crash(FinalAction::halt, FinalAction::shell));
  guest_->wait_for_line("lifeboat: phase capture-dump", 300s);
  expect_halt();
}

// The dump level is `none`: log and report are what was configured.
TEST_F(LongEndOfCapture, halt_after_the_log_alone) {
  levels_ = {kNoDump};
  ASSERT_NO_FATAL_FAILURE(crash(FinalAction::halt, FinalAction::shell));
  guest_->wait_for_line("lifeboat: phase capture-log-only", 300s);
  expect_halt();
}

TEST_F(LongEndOfCapture, shell_after_a_failure) {
  ASSERT_NO_FATAL_FAILURE(crash(FinalAction::halt, FinalAction::shell, kNoDisk));
  guest_->wait_for_line("lifeboat: phase capture-failed", 300s);
  expect_shell();
}

}  // namespace
}  // namespace lifeboat::test
