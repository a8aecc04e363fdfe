// SPDX-License-Identifier: GPL-2.0-or-later
// docs/kexec-reboot.md, typed word by word into a Debian with systemd: each way leads into the kernel that
// was asked for, with services stopped and file systems unmounted.
#include <gtest/gtest.h>

#include "tests/support/programs.h"
#include "tests/vm/systemd/documented_commands.h"
#include "tests/vm/systemd/system_guest.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

#define ASSERT_OK(result) ASSERT_TRUE(result) << (result).error().to_string()

size_t count_of(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

class KexecReboot : public ::testing::Test {
 protected:
  void boot(const std::vector<OwnDisk>& own) {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = rehearsals() / "systemd" / test->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    auto root = DebianRoot::open(cache() / "debian-12");
    ASSERT_OK(root);
    ASSERT_GE(root->releases.size(), 2u);
    older_ = root->releases.front();
    newer_ = root->releases.back();
    auto disks = GuestDisks::create(*root, own, built_programs(), folder_);
    ASSERT_OK(disks);
    disks_ = *std::move(disks);
    auto guest = SystemGuest::boot(*root, disks_, older_, folder_);
    ASSERT_OK(guest);
    guest_.emplace(*std::move(guest));
    expect_running(older_);
    // As the document has the reader begin; the name of the kernel is the reader's to choose.
    EXPECT_THAT(type("choose", 2).text, HasSubstr("/boot/vmlinuz-" + newer_));
  }

  // Types all but the last line of a block; with `lines` only so many lines.
  SystemGuest::Answer type(const std::string& block, std::optional<size_t> lines = {}) {
    const auto commands = documented_commands(LIFEBOAT_DOCS "/kexec-reboot.md", block);
    EXPECT_TRUE(commands) << commands.error().to_string();
    SystemGuest::Answer all{.status = 0, .text = {}};
    for (size_t i = 0; commands && i < lines.value_or(commands->size() - 1); ++i) {
      const auto answer = run((*commands)[i]);
      EXPECT_EQ(answer.status, 0) << (*commands)[i] << ": " << answer.text;
      all.text += answer.text;
    }
    return all;
  }
  SystemGuest::Answer run(const std::string& line) {
    auto answer = guest_->run(line);
    EXPECT_TRUE(answer) << answer.error().to_string();
    return answer.value_or(SystemGuest::Answer{});
  }

  // Types a block whose last line is `systemctl kexec`, with KERNEL and OLD as the reader would have set
  // them.
  void kexec_by(const std::string& block, const std::string& kernel, const std::string& old = {},
                const std::string& last = {}) {
    SCOPED_TRACE(block + " " + kernel);
    const size_t witnessed = count_of(guest_->console(), "guest: witness stopped");
    run("KERNEL=" + kernel + " OLD=" + old);
    type(block);
    if (!last.empty()) {
      EXPECT_EQ(run(last).status, 0);
    }
    const auto release = guest_->run_into_next_kernel("systemctl kexec");
    ASSERT_OK(release);
    EXPECT_EQ(*release, kernel);
    expect_running(kernel);
    EXPECT_EQ(count_of(guest_->console(), "guest: witness stopped"), witnessed + 1);
    expect_left_clean();
  }
  // The same with a unit: what it loads on the way down counts, not what is loaded before. So the running
  // kernel is loaded once more, by hand, when everything else is set.
  void kexec_by_unit(const std::string& block, const std::string& kernel, const std::string& old) {
    kexec_by(block, kernel, old,
             "kexec -l /boot/vmlinuz-" + old + " --initrd=/boot/initrd.img-" + old + " --reuse-cmdline");
  }

  void expect_running(const std::string& kernel) {
    EXPECT_EQ(run("uname -r").text, kernel + "\n");
    EXPECT_EQ(run("cat /run/system-state").text, "running\n") << run("systemctl --failed --no-legend").text;
    EXPECT_EQ(run("systemctl is-active witness").text, "active\n");
  }
  // What the kernel before left on the disks.
  void expect_left_clean() {
    EXPECT_EQ(run("dmesg | grep -E 'EXT4-fs.*(recovery|orphan|unclean)'").text, "");
    EXPECT_EQ(run("grep -h -E 'recovering|not cleanly' /run/initramfs/fsck.log").text, "");
    EXPECT_EQ(run("journalctl -b -q --no-pager -t systemd-fsck | grep -E 'recovering|not cleanly'").text, "");
  }
  void expect_units_are_right() {
    EXPECT_EQ(run("systemd-analyze verify --man=no /usr/lib/systemd/system/kexec-load*.service 2>&1 | grep "
                  "kexec-load")
                  .text,
              "");
  }
  void expect_kexec_of_nothing_is_refused() {
    const auto refused = guest_->run("systemctl kexec");
    ASSERT_OK(refused);
    EXPECT_THAT(refused->text, HasSubstr("No kexec kernel loaded"));
  }
  void expect_stopped_in(std::initializer_list<std::string> kernels) {
    std::string lines;
    for (const auto& kernel : kernels) lines += "stopped in " + kernel + "\n";
    EXPECT_EQ(run("cat /var/lib/witness").text, lines);
  }
  // What lies in /boot moves to /dev/vdb, and nothing of it stays where that is not mounted.
  void move_boot() {
    const auto moved =
        run("mke2fs -q -t ext4 /dev/vdb && mount /dev/vdb /mnt && cp -a /boot/. /mnt && umount /mnt && "
            "rm -r /boot/* && echo '/dev/vdb /boot ext4 defaults 0 2' >>/etc/fstab && "
            "systemctl daemon-reload && mount /boot");
    ASSERT_EQ(moved.status, 0) << moved.text;
  }

  void power_off() {
    const size_t stops = count_of(guest_->console(), "Stopping kexec-load");
    const auto ended = guest_->run_to_the_end("systemctl poweroff");
    ASSERT_OK(ended);
    EXPECT_EQ(count_of(guest_->console(), "Stopping kexec-load"), stops) << "a power-off loaded a kernel";
    const auto clean = disks_.check();
    EXPECT_TRUE(clean) << clean.error().to_string();
    std::filesystem::remove(folder_ / "root.img");  // the consoles are small, and stay
  }

  std::filesystem::path folder_;
  GuestDisks disks_;
  std::optional<SystemGuest> guest_;
  std::string older_, newer_;
};

// One machine goes by hand, and by each unit where that is the right one.
TEST_F(KexecReboot, by_hand_and_by_each_unit) {
  ASSERT_NO_FATAL_FAILURE(boot({{.folder = {}}}));
  expect_units_are_right();
  ASSERT_NO_FATAL_FAILURE(expect_kexec_of_nothing_is_refused());
  ASSERT_NO_FATAL_FAILURE(kexec_by("by-hand", newer_));
  ASSERT_NO_FATAL_FAILURE(kexec_by_unit("enable", older_, newer_));
  ASSERT_NO_FATAL_FAILURE(move_boot());
  EXPECT_THAT(run("findmnt -n /boot").text, HasSubstr("/dev/vdb"));
  EXPECT_EQ(run("systemctl disable kexec-load@" + older_).status, 0);
  ASSERT_NO_FATAL_FAILURE(kexec_by_unit("early-enable", newer_, older_));
  EXPECT_THAT(guest_->console(), HasSubstr("Unmounted boot.mount"));
  expect_stopped_in({older_, newer_, older_});
  power_off();
}

// Each unit's machine on its own, which also changes its kernel.
using LongKexecReboot = KexecReboot;

TEST_F(LongKexecReboot, boot_on_the_root_file_system) {
  ASSERT_NO_FATAL_FAILURE(boot({}));
  expect_units_are_right();
  ASSERT_NO_FATAL_FAILURE(expect_kexec_of_nothing_is_refused());
  ASSERT_NO_FATAL_FAILURE(kexec_by("by-hand", newer_));
  ASSERT_NO_FATAL_FAILURE(kexec_by_unit("enable", older_, newer_));
  ASSERT_NO_FATAL_FAILURE(kexec_by_unit("switch", newer_, older_));
  expect_stopped_in({older_, newer_, older_});
  power_off();
}

TEST_F(LongKexecReboot, boot_on_a_partition_of_its_own) {
  ASSERT_NO_FATAL_FAILURE(boot({{"/boot"}}));
  EXPECT_THAT(run("findmnt -n /boot").text, HasSubstr("/dev/vdb"));
  ASSERT_NO_FATAL_FAILURE(kexec_by_unit("early-enable", newer_, older_));
  EXPECT_THAT(guest_->console(), HasSubstr("Unmounted boot.mount"));
  ASSERT_NO_FATAL_FAILURE(kexec_by_unit("early-switch", older_, newer_));
  power_off();
}

}  // namespace
}  // namespace lifeboat::test
