// SPDX-License-Identifier: GPL-2.0-or-later
// docs/install.md, typed word by word: the package is installed, memory reserved, the machine crashed; after
// its restart the dump is there and whole. Then what may come after: a disk for /var, another crash, a full
// disk.
#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/vm/support/guest_files.h"
#include "tests/vm/systemd/installed_system.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

class Installed : public InstalledSystem, public ::testing::WithParamInterface<const char*> {
 protected:
  // As `lifeboat list` has them, the newest first.
  Json crashes() { return Json::parse(succeed("lifeboat list --json"), nullptr, false); }
  void expect_collected() {
    EXPECT_EQ(run("systemctl is-active lifeboat-collect").text, "inactive\n");
    EXPECT_EQ(run("systemctl show -P Result lifeboat-collect").text, "success\n");
  }
  void install_and_reserve();
  void move_var();
  void crash_when_var_is_unmounted();
};

void Installed::install_and_reserve() {
  type("install");
  EXPECT_THAT(output_, HasSubstr("no memory is reserved"));
  EXPECT_EQ(run("lifeboat status").status, 3);

  ASSERT_NO_FATAL_FAILURE(restart(type("reserve")));
  expect_armed();
  std::cerr << fmt::format("first arming: {}\n", arming_time());
  EXPECT_EQ(run("cat /proc/sys/kernel/panic").text, "10\n");
}

// What lies in /var moves to /dev/vdb, and no file of it stays where that is not mounted.
void Installed::move_var() {
  const auto moved =
      run("mke2fs -q -t ext4 /dev/vdb && mount /dev/vdb /mnt && cp -a /var/. /mnt && umount /mnt && "
          "find /var -xdev -type f -delete && echo '/dev/vdb /var ext4 defaults 0 2' >>/etc/fstab && "
          "systemctl daemon-reload && mount /var && systemctl reload lifeboat-load");
  ASSERT_EQ(moved.status, 0) << moved.text;
  expect_armed();
  EXPECT_THAT(succeed("lifeboat check"), HasSubstr("/crash/lifeboat on /dev/vdb"));
}

// A panic at the very end of a shutdown, when /var is long unmounted: whatever is unmounted, nothing unloads.
void Installed::crash_when_var_is_unmounted() {
  // What systemd-shutdown runs last.
  succeed(
      "mkdir -p /usr/lib/systemd/system-shutdown && cd /usr/lib/systemd/system-shutdown && "
      "echo '#!/bin/sh' >late && "
      // Through the kernel's log: a message in it is on the console before the next line runs.
      "echo 'echo \"<0>guest: at the end $(cat /sys/kernel/kexec_crash_loaded), $(grep -c \" /var \" "
      "/proc/mounts)\" >/dev/kmsg' >>late && echo 'echo c >/proc/sysrq-trigger' >>late && chmod 755 late");
  const size_t console_before = guest_->console().size();
  ASSERT_NO_FATAL_FAILURE(crash("systemctl reboot"));
  EXPECT_THAT(guest_->console().substr(console_before), HasSubstr("guest: at the end 1, 0"));
  expect_armed();
  succeed("mountpoint /var && lifeboat verify /var/crash/lifeboat/*/vmcore");
  EXPECT_EQ(run("systemctl show -P Result lifeboat-collect").text, "success\n");
  EXPECT_THAT(succeed("lifeboat list"), HasSubstr("sysrq triggered crash"));
}

TEST_P(Installed, crash_is_captured) {
  ASSERT_NO_FATAL_FAILURE(boot(GetParam(), {}, {}, {{.folder = {}}}));
  ASSERT_NO_FATAL_FAILURE(install_and_reserve());
  ASSERT_NO_FATAL_FAILURE(crash(type("crash")));
  expect_armed();
  std::cerr << fmt::format("later arming: {}\n", arming_time());
  expect_collected();
  type("look");
  EXPECT_THAT(output_, HasSubstr("sysrq"));
  EXPECT_EQ(crashes().size(), 1u) << crashes();
  succeed("grep -q 'somebody asked for this crash' /var/crash/lifeboat/*/report.txt");
  EXPECT_EQ(succeed("stat -c %a /var/crash/lifeboat/*"), "700\n");
  EXPECT_EQ(succeed("stat -c %a /var/crash/lifeboat/*/vmcore"), "600\n");

  succeed("rm -r /var/crash/lifeboat/*");
  ASSERT_NO_FATAL_FAILURE(move_var());
  ASSERT_NO_FATAL_FAILURE(crash_when_var_is_unmounted());
}

// A machine that crashes again and again, and has ever less room.
using LongInstalled = Installed;

TEST_P(LongInstalled, crashes_in_a_row) {
  auto root = DebianRoot::open(cache() / GetParam());
  ASSERT_OK(root);
  ASSERT_NO_FATAL_FAILURE(boot(GetParam(), reserved_grub(root->releases.back())));
  type("install");
  succeed("printf '[retention]\\nkeep = 2\\nmin_free = 0\\n' >/etc/lifeboat.conf.d/keep.conf");
  succeed("systemctl reload lifeboat-load");
  for (int i = 0; i < 3; ++i) {
    SCOPED_TRACE(i);
    ASSERT_NO_FATAL_FAILURE(crash("sync; echo c >/proc/sysrq-trigger"));
    expect_armed();
    expect_collected();
    succeed("lifeboat verify $(ls -d /var/crash/lifeboat/*/vmcore | tail -n 1)");
  }
  EXPECT_EQ(crashes().size(), 2u) << crashes();

  // No room for a dump, nor would there be if the older crashes went: the log is saved, and the machine comes
  // back.
  succeed("rm -rf $(ls -d /var/crash/lifeboat/* | head -n 1)");
  succeed("fallocate -l $(($(df --output=avail -B1 / | tail -n 1) - (8 << 20))) /var/full && sync");
  ASSERT_NO_FATAL_FAILURE(crash("echo c >/proc/sysrq-trigger"));
  succeed("rm /var/full");
  expect_collected();
  succeed("grep -q 'sysrq triggered crash' $(ls -d /var/crash/lifeboat/*/vmcore-dmesg.txt | tail -n 1)");
  EXPECT_EQ(crashes().size(), 2u) << crashes();
  succeed("lifeboat verify $(ls -d /var/crash/lifeboat/*/vmcore | head -n 1)");
}

// The crash that the operator requests, and those that happen by themselves: each dump is whole, and its
// report names the kind.
TEST_P(LongInstalled, every_kind_of_crash_is_reported) {
  auto root = DebianRoot::open(cache() / GetParam());
  ASSERT_OK(root);
  const std::string release = root->releases.back();
  ASSERT_EQ(release, kernel_release("6.12")) << "the module of the test is built for that kernel";
  ASSERT_NO_FATAL_FAILURE(
      boot(GetParam(), reserved_grub(release), {{"/root/crash_module.ko", crash_module("6.12")}}));
  type("install");
  const std::string set = "sync; cd /proc/sys; ", module = "insmod /root/crash_module.ko; sleep 1; ",
                    parameter = "/sys/module/crash_module/parameters/crash";
  const std::pair<std::string, std::string> kinds[] = {
      {"sysrq", "lifeboat rehearse --real --yes"},
      {"null_dereference", set + "echo 1 >kernel/panic_on_oops; " + module + "echo read_null >" + parameter},
      {"hung_task", set + "echo 1 >kernel/hung_task_panic; echo 2 >kernel/hung_task_timeout_secs; " + module +
                        "echo hang >" + parameter},
      // What holds memory and cannot be swapped out, until nothing is left.
      {"out_of_memory",
       set + "echo 1 >vm/panic_on_oom; mkdir /run/eat; mount -t tmpfs -o size=100% eat /run/eat; "
             "head -c 4G /dev/zero >/run/eat/zeros"},
  };
  for (const auto& [kind, line] : kinds) {
    SCOPED_TRACE(kind);
    ASSERT_NO_FATAL_FAILURE(crash(line));
    expect_armed();
    expect_collected();
    EXPECT_EQ(crashes()[0]["kind"], kind) << crashes();
    EXPECT_EQ(crashes()[0]["outcome"], "whole");
    succeed("lifeboat verify $(ls -d /var/crash/lifeboat/*/vmcore | tail -n 1)");
  }
  // What the first of them was for.
  const Json rehearsal = Json::parse(succeed("cat /var/lib/lifeboat/rehearsal.json"), nullptr, false);
  EXPECT_EQ(rehearsal["real"], true) << rehearsal;
  EXPECT_EQ(rehearsal["whole"], true) << rehearsal;
}

// A capture kernel that boots the installed system, with the distribution's initramfs:
// lifeboat-capture.service.
TEST_P(LongInstalled, the_system_itself_captures) {
  auto root = DebianRoot::open(cache() / GetParam());
  ASSERT_OK(root);
  const std::string release = root->releases.back();
  ASSERT_NO_FATAL_FAILURE(boot(GetParam(), reserved_grub(release)));
  type("install");
  // Its hook takes longer than the unit would wait for a program that is not heard of.
  succeed("mkdir -p /etc/systemd/system/lifeboat-capture.service.d");
  succeed(
      "printf '[Service]\\nTimeoutStartSec=5s\\n' "
      ">/etc/systemd/system/lifeboat-capture.service.d/short.conf");
  succeed("printf '#!/bin/sh\\necho \"$1 $LIFEBOAT_OUTCOME\" >>/root/hooks\\nsync\\nsleep 8\\n' >/root/hook");
  succeed(
      "chmod 755 /root/hook; printf '[capture]\\nhook_before = /root/hook\\nhook_after = /root/hook\\n' "
      ">/etc/lifeboat.conf.d/hook.conf; sync");
  succeed("lifeboat load --crash --initrd /boot/initrd.img-" + release);
  const size_t console_before = guest_->console().size();
  ASSERT_NO_FATAL_FAILURE(crash("sync; echo c >/proc/sysrq-trigger", "Starting lifeboat-capture.service"));
  // The rest of the system did not start in the capture kernel.
  const std::string console = guest_->console().substr(console_before);
  const auto capture = console.find("Starting lifeboat-capture.service");
  EXPECT_EQ(
      console.substr(0, console.find("Restarting system", capture)).find("Reached target sysinit.target"),
      std::string::npos);
  expect_armed();
  expect_collected();
  succeed("lifeboat verify /var/crash/lifeboat/*/vmcore");
  EXPECT_EQ(run("cat /root/hooks").text, "before \nafter whole\n");
  // The unit did not end on its own: its messages are beside the dump.
  EXPECT_THAT(succeed("cat /var/crash/lifeboat/*/capture.log"), HasSubstr("hook /root/hook: done"));
}

std::string suite_name(const ::testing::TestParamInfo<const char*>& suite) {
  return std::string(suite.param).replace(6, 1, "_");
}
INSTANTIATE_TEST_SUITE_P(On, Installed, ::testing::Values("debian-12"), suite_name);
INSTANTIATE_TEST_SUITE_P(LongOn, Installed, ::testing::Values("debian-13"), suite_name);
INSTANTIATE_TEST_SUITE_P(On, LongInstalled, ::testing::Values("debian-12"), suite_name);

}  // namespace
}  // namespace lifeboat::test
