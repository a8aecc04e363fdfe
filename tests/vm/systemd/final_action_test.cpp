// SPDX-License-Identifier: GPL-2.0-or-later
// What lifeboat-capture.service does with the machine in the end, in a capture kernel that boots the system.
#include "tests/vm/systemd/installed_system.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LongFinalActions : public InstalledSystem {
 protected:
  void set_up() {
    auto root = DebianRoot::open(cache() / "debian-12");
    ASSERT_OK(root);
    ASSERT_NO_FATAL_FAILURE(boot("debian-12", reserved_grub(root->releases.back())));
    type("install");
  }
  // Loads a capture kernel for it; `console` is the capture kernel's.
  void load(const std::string& configuration, const std::string& console) {
    // Of several serial consoles a kernel takes the first.
    succeed("printf '[capture]\\nremove = console\\n" + configuration +
            "' >/etc/lifeboat.conf.d/actions.conf");
    succeed("lifeboat load --crash --initrd /boot/initrd.img-$(uname -r) --append console=" + console +
            "; sync");
    console_before_ = guest_->console().size();
  }
  void expect_on_console(const std::string& text) {
    const auto reached = guest_->wait_for_console(text, console_before_);
    ASSERT_OK(reached);
  }
  [[nodiscard]] std::string new_console() const { return guest_->console().substr(console_before_); }
  // From a machine that is down.
  void start_again() {
    auto guest = SystemGuest::boot_by_grub(root_, disks_, folder_);
    ASSERT_OK(guest);
    guest_.emplace(*std::move(guest));
    run("cd /root");
  }
  size_t console_before_ = 0;
};

constexpr const char* kCrash = "echo c >/proc/sysrq-trigger";

TEST_F(LongFinalActions, are_what_was_asked_for) {
  ASSERT_NO_FATAL_FAILURE(set_up());

  // A shell on the console when nothing could be saved; the machine restarts when it ends. Its console is the
  // port that this test types on.
  ASSERT_NO_FATAL_FAILURE(load(
      "[target]\\ndevice = /dev/vdb\\npath = /none\\n[failure]\\naction = shell\\n[final]\\naction = halt\\n",
      "ttyS1"));
  ASSERT_OK(guest_->send(kCrash));
  ASSERT_OK(
      guest_->type_until("printf 'shell-%s\\n' $(test -e /proc/vmcore && echo answers)", "shell-answers"));
  ASSERT_OK(guest_->run_into_next_kernel("exit"));
  succeed("cd /root; [ ! -e /proc/vmcore ]");
  // In the target that holds by default.
  succeed("rm /etc/lifeboat.conf.d/actions.conf");
  EXPECT_EQ(succeed("lifeboat list --json"), "[]\n");

  ASSERT_NO_FATAL_FAILURE(load("[final]\\naction = poweroff\\n[failure]\\naction = halt\\n", "ttyS0"));
  ASSERT_OK(guest_->run_to_the_end(kCrash));
  EXPECT_THAT(new_console(), HasSubstr("reboot: Power down"));
  EXPECT_THAT(new_console(), Not(HasSubstr("a shell on the console")));
  ASSERT_NO_FATAL_FAILURE(start_again());
  succeed("lifeboat verify /var/crash/lifeboat/*/vmcore");

  ASSERT_NO_FATAL_FAILURE(load("[final]\\naction = halt\\n", "ttyS0"));
  ASSERT_OK(guest_->send(kCrash));
  ASSERT_NO_FATAL_FAILURE(expect_on_console("reboot: System halted"));
  EXPECT_THAT(new_console(), Not(HasSubstr("a shell on the console")));
  // It stands still until somebody switches it off.
  guest_.reset();
  ASSERT_NO_FATAL_FAILURE(start_again());
  EXPECT_EQ(succeed("ls -d /var/crash/lifeboat/*/vmcore | wc -l"), "2\n");
  succeed("for dump in /var/crash/lifeboat/*/vmcore; do lifeboat verify $dump || exit 1; done");
}

}  // namespace
}  // namespace lifeboat::test
