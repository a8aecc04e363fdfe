// SPDX-License-Identifier: GPL-2.0-or-later
// The life of the packages on a machine: installed, installed again, kernels come and go, memory comes and
// goes, removed, purged; and nothing is left.
#include "tests/vm/systemd/installed_system.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PackageLife : public InstalledSystem {
 protected:
  void boot() {
    auto root = DebianRoot::open(cache() / "debian-12");
    ASSERT_OK(root);
    // The older kernel does not follow hotplug by itself.
    running_ = root->releases.front();
    other_ = root->releases.back();
    // Memory that only movable pages may lie in: its blocks can be taken offline.
    auto grub = reserved_grub(running_);
    const std::string_view reserved = "crashkernel=256M";
    grub.replace(grub.find(reserved), reserved.size(), "crashkernel=256M movablecore=256M");
    InstalledSystem::boot("debian-12", grub);
  }
  // Of lifeboat-load in this boot.
  int reloads() { return count_in_journal("^Reloaded lifeboat-load"); }
  void expect_loaded(bool loaded) {
    EXPECT_EQ(run("cat /sys/kernel/kexec_crash_loaded").text, loaded ? "1\n" : "0\n");
  }

  void kernels_come_and_go();
  void memory_comes_and_goes();
  void expect_events();
  void wait_for_reload();
  void kexec_is_exchanged();

  std::string running_, other_;
};

void PackageLife::kernels_come_and_go() {
  const std::string initramfs = "/var/lib/lifeboat/initramfs-" + other_;
  const int before = reloads();
  succeed("/etc/kernel/postinst.d/zz-lifeboat " + other_ + " /boot/vmlinuz-" + other_);
  succeed("ls " + initramfs + ".img " + initramfs + ".recipe");
  EXPECT_EQ(reloads(), before);
  // An upgrade of a kernel is no removal.
  succeed("DEB_MAINT_PARAMS='upgrade 6.13' /etc/kernel/postrm.d/zz-lifeboat " + other_);
  succeed("ls " + initramfs + ".img");
  succeed("DEB_MAINT_PARAMS=remove /etc/kernel/postrm.d/zz-lifeboat " + other_);
  EXPECT_NE(run("ls " + initramfs + ".*").status, 0);
  // The running kernel's files were exchanged.
  succeed("/etc/kernel/postinst.d/zz-lifeboat " + running_);
  EXPECT_EQ(reloads(), before + 1);
  // kernel-install's way.
  succeed("/usr/lib/kernel/install.d/95-lifeboat.install add " + other_ + " /boot/none /boot/vmlinuz-" +
          other_);
  succeed("ls " + initramfs + ".img");
  succeed("/usr/lib/kernel/install.d/95-lifeboat.install remove " + other_);
  EXPECT_NE(run("ls " + initramfs + ".*").status, 0);
  // A missing kernel: reported, and no failure of the kernel's package.
  EXPECT_THAT(succeed("/etc/kernel/postinst.d/zz-lifeboat 0.0.0"),
              HasSubstr("no capture initramfs for 0.0.0"));
  expect_loaded(true);
}

void PackageLife::memory_comes_and_goes() {
  // Not when somebody only goes through all devices.
  succeed("udevadm trigger --subsystem-match=memory --subsystem-match=cpu --action=add && udevadm settle");
  EXPECT_NE(run("ls /run/lifeboat/reload-wanted").status, 0);
  expect_events();
  // A block that can be taken offline and brought back: the highest ones are movable. The kernel tries for
  // ever to move a page that is busy (offline_pages(), mm/memory_hotplug.c) and stops only at a signal.
  succeed(
      "exchange() { timeout 10 sh -c \"echo offline >$1/state\" && echo online >$1/state; }; "
      "for block in $(ls -rvd /sys/devices/system/memory/memory*); do exchange $block 2>/dev/null && break; "
      "done");
  wait_for_reload();
  // A burst of events. On a machine so slow that they are three seconds apart each is one of its own.
  const int before = reloads();
  expect_events();
  const auto took =
      std::atoi(succeed("begin=$(date +%s); for turn in 1 2 3; do exchange $block || break; done; "
                        "udevadm settle; echo $(($(date +%s) - begin))")
                    .c_str());
  wait_for_reload();
  EXPECT_GE(reloads(), before + 1);
  EXPECT_LE(reloads(), before + 1 + took / 3);
  EXPECT_EQ(run("systemctl is-failed lifeboat-reload.service").text, "inactive\n");
  expect_loaded(true);
}

void PackageLife::expect_events() {
  succeed("read -r now idle </proc/uptime; before=${now%.*}${now#*.}0000");  // in microseconds
}

// Until lifeboat-reload.service has run for the events that came since expect_events(), and come to rest.
void PackageLife::wait_for_reload() {
  succeed(
      "udevadm settle; for try in $(seq 300); do "
      "began=$(systemctl show -P InactiveExitTimestampMonotonic lifeboat-reload.service); "
      "[ $began -gt $before ] && [ $(systemctl is-active lifeboat-reload.service) = inactive ] && "
      "[ ! -e /run/lifeboat/reload-wanted ] && break; sleep 1; done; [ $try -lt 300 ]");
  // It has let the dust settle.
  succeed(
      "[ $(($(systemctl show -P InactiveEnterTimestampMonotonic lifeboat-reload.service) - began)) -gt "
      "3000000 ]");
}

void PackageLife::kexec_is_exchanged() {
  EXPECT_THAT(succeed("kexec --version"), Not(HasSubstr("lifeboat")));
  // dpkg itself, which takes kexec-tools away after it has unpacked the new package.
  succeed("dpkg -i lifeboat-kexec_*.deb");
  EXPECT_THAT(succeed("kexec --version"), HasSubstr("lifeboat"));
  EXPECT_NE(run("dpkg-query -W -f '${db:Status-Abbrev}' kexec-tools | grep '^ii'").status, 0);
  succeed("apt-get -y purge lifeboat-kexec");
  EXPECT_NE(run("ls /usr/sbin/kexec").status, 0);
}

TEST_F(PackageLife, from_installation_to_purge) {
  ASSERT_NO_FATAL_FAILURE(boot());
  succeed(std::string(kFilesOfTheSystem) + " >/root/before");

  // Memory is reserved: the installation arms the machine.
  type("install");
  EXPECT_THAT(output_, Not(HasSubstr("not armed")));
  expect_loaded(true);
  EXPECT_EQ(
      run("systemctl is-enabled lifeboat-load lifeboat-collect lifeboat-capture lifeboat-reload.path").text,
      "enabled\nenabled\nenabled\nenabled\n");
  EXPECT_EQ(run("systemctl is-active lifeboat-load lifeboat-reload.path").text, "active\nactive\n");

  // Again, as an upgrade does it; what the operator has disabled and written stays so.
  succeed("systemctl disable lifeboat-collect 2>&1; echo '# mine' >>/etc/lifeboat.conf");
  const int before = reloads();
  succeed("dpkg -i lifeboat_*.deb");
  EXPECT_EQ(run("systemctl is-enabled lifeboat-collect").text, "disabled\n");
  EXPECT_THAT(run("cat /etc/lifeboat.conf").text, HasSubstr("# mine"));
  EXPECT_EQ(reloads(), before + 1);
  expect_loaded(true);
  // What the operator has only stopped, too: an upgrade starts nothing.
  succeed("systemctl stop lifeboat-load lifeboat-reload.path");
  succeed("dpkg -i lifeboat_*.deb");
  EXPECT_EQ(run("systemctl is-active lifeboat-load lifeboat-reload.path").text, "inactive\ninactive\n");
  expect_loaded(false);
  succeed("systemctl start lifeboat-load lifeboat-reload.path");
  expect_loaded(true);

  succeed("lifeboat reserve set 200M");
  EXPECT_THAT(succeed("grep -r crashkernel /etc/default /boot/grub/grub.cfg"), HasSubstr("crashkernel=200M"));
  ASSERT_NO_FATAL_FAILURE(kernels_come_and_go());
  ASSERT_NO_FATAL_FAILURE(memory_comes_and_goes());
  ASSERT_NO_FATAL_FAILURE(kexec_is_exchanged());

  succeed("mkdir -p /var/crash/lifeboat/mine && touch /var/crash/lifeboat/mine/vmcore");
  succeed("apt-get -y remove lifeboat");
  expect_loaded(false);
  EXPECT_EQ(run("systemctl is-active lifeboat-load lifeboat-reload.path").text, "inactive\ninactive\n");
  EXPECT_EQ(run("ls /etc/lifeboat.conf").status, 0);
  EXPECT_NE(run("grep -r crashkernel /etc/default /boot/grub/grub.cfg").status, 0)
      << "the memory is still reserved";
  // What is left of it does nothing, and harms nobody.
  succeed("/etc/kernel/postinst.d/zz-lifeboat " + other_);
  succeed("/etc/kernel/postrm.d/zz-lifeboat " + other_);
  // It comes back, and arms the machine as the first installation did.
  succeed("dpkg -i lifeboat_*.deb");
  EXPECT_EQ(run("systemctl is-active lifeboat-load lifeboat-reload.path").text, "active\nactive\n");
  expect_loaded(true);
  succeed("apt-get -y purge lifeboat");
  expect_loaded(false);
  EXPECT_EQ(run("ls /var/crash/lifeboat/mine").text, "vmcore\n");
  succeed("rm -rf /var/crash; [ ! -e /run/lifeboat ]");
  succeed(std::string(kFilesOfTheSystem) + " >/root/after");
  EXPECT_EQ(run("comm -13 /root/before /root/after").text, "");
  EXPECT_EQ(run("systemctl --failed --no-legend").text, "");
}

}  // namespace
}  // namespace lifeboat::test
