// SPDX-License-Identifier: GPL-2.0-or-later
// A dump disk that comes late, and a watchdog that is started late: the machine is armed before, and for
// both.
#include <nlohmann/json.hpp>

#include "tests/vm/systemd/installed_system.h"
#include "tests/vm/systemd/machine_monitor.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

constexpr const char* kDisk = "UUID=5afe0000-1a7e-4d15-8a11-d0c0ffee0001";
// The disk hangs on a controller of a kind that the root's disk does not have.
constexpr const char* kDriver = "/virtio_scsi.ko";
constexpr const char* kWatchdogDriver = "/i6300esb.ko";

class LongLateDevices : public InstalledSystem {
 protected:
  void boot() {
    const std::string image = folder_of_machine_.path() / "late.img";
    ASSERT_EQ(lifeboat::test::run({"mke2fs", "-q", "-t", "ext4", "-U", kDisk + 5, image, "512M"}).status, 0);
    std::vector<std::string> hardware = {
        "-device",   "virtio-scsi-pci,id=bus",
        "-blockdev", "raw,node-name=late,file.driver=file,file.filename=" + image,
        "-device",   "i6300esb"};
    const auto monitor = monitor_.arguments();
    hardware.insert(hardware.end(), monitor.begin(), monitor.end());
    auto root = DebianRoot::open(cache() / "debian-12");
    ASSERT_OK(root);
    InstalledSystem::boot("debian-12", reserved_grub(root->releases.back()), {}, {}, hardware);
  }
  void plug_in() {
    ASSERT_OK(monitor_.execute("device_add",
                               {{"driver", "scsi-hd"}, {"id", "disk"}, {"bus", "bus.0"}, {"drive", "late"}}));
  }
  void pull_out() { ASSERT_OK(monitor_.execute("device_del", {{"id", "disk"}})); }

  // The waits are as long as this machine may be slow, and what the services print is read from the console.
  void set_up() {
    succeed(fmt::format(
        "printf '[target]\\ndevice = {}\\npath = /crash\\n[target]\\npath = /var/crash/lifeboat\\n"
        "[final]\\naction = halt\\n' >/etc/lifeboat.conf.d/late.conf",
        kDisk));
    for (const auto& [name, command] : {std::pair{"load", "load --crash"}, {"collect", "collect"}}) {
      const std::string folder = fmt::format("/etc/systemd/system/lifeboat-{}.service.d", name);
      succeed(
          fmt::format("mkdir -p {0} && printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/lifeboat {1} "
                      "--wait 3000\\nStandardError=journal+console\\n' >{0}/waits.conf",
                      folder, command));
    }
    succeed("systemctl daemon-reload");
    // A machine that is reset while it captures would have no dump; but not because the test is slow.
    succeed("rmmod i6300esb && modprobe i6300esb heartbeat=1000");
  }
  void wait_for_load() {
    succeed("while [ $(systemctl show -P SubState lifeboat-load) = running ]; do sleep 1; done");
  }
  std::string recipe() { return succeed("cat /var/lib/lifeboat/initramfs-*.recipe"); }
  std::string digest() { return succeed("sha256sum /var/lib/lifeboat/initramfs-*.img"); }
  std::string log_of_load() { return succeed("journalctl -b -q --no-pager -o cat -u lifeboat-load"); }

  TempDir folder_of_machine_ = TempDir::create("late").value();
  MachineMonitor monitor_{folder_of_machine_.path() / "monitor"};
};

TEST_F(LongLateDevices, are_armed_for_as_soon_as_they_come) {
  ASSERT_NO_FATAL_FAILURE(boot());
  type("install");
  set_up();

  // Armed at once, with what is there.
  succeed("systemctl restart lifeboat-load");
  EXPECT_EQ(succeed("cat /sys/kernel/kexec_crash_loaded"), "1\n");
  EXPECT_EQ(succeed("systemctl show -P SubState lifeboat-load"), "running\n");
  const std::string status = succeed("systemctl show -P StatusText lifeboat-load");
  EXPECT_THAT(status, HasSubstr("armed with " + root_.releases.back()));
  EXPECT_THAT(status, HasSubstr(fmt::format("waiting for {}, 3000 s at most", kDisk)));
  EXPECT_THAT(recipe(), Not(HasSubstr(kDriver)));

  // And again when the disk comes, with its drivers.
  ASSERT_NO_FATAL_FAILURE(plug_in());
  wait_for_load();
  EXPECT_THAT(log_of_load(), HasSubstr(fmt::format("'target = {} ext4 /crash' is new", kDisk + 5)));
  EXPECT_THAT(succeed("systemctl show -P StatusText lifeboat-load"), Not(HasSubstr("waiting")));
  EXPECT_THAT(recipe(), HasSubstr(kDriver));
  EXPECT_THAT(recipe(), HasSubstr(kWatchdogDriver)) << "it does not run, but may when the machine crashes";
  expect_armed();
  const std::string known = digest();

  // A daemon starts the watchdog. The capture halts, so that the disk is away for certain before the next
  // boot looks for it.
  const size_t crashed = guest_->console().size();
  succeed("exec 4>/dev/$(basename $(dirname $(grep -l i6300 /sys/class/watchdog/*/identity)))");
  ASSERT_OK(guest_->send("sync; echo c >/proc/sysrq-trigger"));
  ASSERT_OK(guest_->wait_for_console("reboot: System halted", crashed));
  const std::string capture = guest_->console().substr(crashed);
  EXPECT_THAT(capture, HasSubstr("i6300ESB timer")) << "its driver stops it";
  EXPECT_THAT(capture, Not(HasSubstr("fed from now on")));
  ASSERT_NO_FATAL_FAILURE(pull_out());
  const size_t reset = guest_->console().size();
  ASSERT_OK(monitor_.execute("system_reset"));

  // That boot arms for the disk all the same: the initramfs that knows it stays. And its dump is collected
  // when it comes.
  ASSERT_OK(guest_->wait_for_console(fmt::format("; waiting for {}", kDisk), reset));
  ASSERT_OK(guest_->wait_for_console(fmt::format(": waiting for {}", kDisk), reset));
  ASSERT_NO_FATAL_FAILURE(plug_in());
  ASSERT_OK(guest_->wait_for_shell());
  wait_for_load();
  EXPECT_EQ(digest(), known);
  EXPECT_THAT(log_of_load(), HasSubstr("is not rebuilt: it contains targets"));
  EXPECT_THAT(log_of_load(), Not(HasSubstr("was built")));
  expect_armed();
  const Json crashes = Json::parse(succeed("lifeboat list --json"), nullptr, false);
  ASSERT_EQ(crashes.size(), 1U) << crashes;
  EXPECT_EQ(crashes[0]["device"], kDisk) << crashes;
  EXPECT_EQ(crashes[0]["outcome"], "whole") << crashes;
  EXPECT_TRUE(crashes[0]["collected"].is_number()) << crashes;
  EXPECT_EQ(succeed("systemctl show -P Result lifeboat-collect"), "success\n")
      << run("journalctl -b -u lifeboat-collect --no-pager").text;
}

}  // namespace
}  // namespace lifeboat::test
