// SPDX-License-Identifier: GPL-2.0-or-later
// Machines whose /var, or whose dumps, are on disks of their own.
#include "tests/vm/systemd/installed_system.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LongLayout : public InstalledSystem {
 protected:
  void boot(const std::vector<OwnDisk>& own) {
    auto root = DebianRoot::open(cache() / "debian-12");
    ASSERT_OK(root);
    release_ = root->releases.back();
    InstalledSystem::boot("debian-12", reserved_grub(release_), {}, own);
    if (HasFatalFailure()) return;
    type("install");
    expect_armed();
  }
  std::string release_;
};

// What anybody may know without being root, after a crash.
TEST_F(LongLayout, dumps_on_a_disk_that_may_be_missing) {
  ASSERT_NO_FATAL_FAILURE(boot({{"/var"}, {"/srv/dumps", "512M", "nofail"}}));
  succeed("printf '[target]\\npath = /srv/dumps/crash\\n' >/etc/lifeboat.conf.d/target.conf");
  type("configure");
  EXPECT_THAT(succeed("lifeboat check"), HasSubstr("/crash on /dev/vdc"));
  // The next boot arms for that disk too, though local-fs.target does not wait for it.
  type("nofail");
  ASSERT_NO_FATAL_FAILURE(restart("systemctl reboot"));
  expect_armed();
  EXPECT_THAT(succeed("lifeboat check"), HasSubstr("/crash on /dev/vdc"));
  ASSERT_NO_FATAL_FAILURE(crash("sync; echo c >/proc/sysrq-trigger"));
  expect_armed();
  succeed("lifeboat verify /srv/dumps/crash/*/vmcore; cat /run/motd.d/lifeboat");

  const std::string as_nobody = "runuser -u nobody -- ";
  EXPECT_THAT(succeed(as_nobody + "cat /run/motd.d/lifeboat"), HasSubstr("lifeboat"));
  EXPECT_THAT(succeed(as_nobody + "lifeboat status"), Not(HasSubstr("to load it again")));
  EXPECT_THAT(run(as_nobody + "lifeboat list").text, HasSubstr("run this as root"));
  EXPECT_THAT(run(as_nobody + "lifeboat check").text, HasSubstr("run as root"));
}

// No room for a new initramfs at boot: the old one is loaded, and it is to be seen.
TEST_F(LongLayout, a_full_var_when_arming) {
  ASSERT_NO_FATAL_FAILURE(boot({{"/var"}}));
  const std::string initramfs = "/var/lib/lifeboat/initramfs-" + release_ + ".img";
  const std::string before = succeed("sha256sum " + initramfs);
  succeed("printf '[dump]\\nlevel = 17\\n' >/etc/lifeboat.conf.d/level.conf");
  run("head -c 1G /dev/zero >/var/full; sync");
  ASSERT_NO_FATAL_FAILURE(restart("systemctl reboot"));
  EXPECT_EQ(succeed("sha256sum " + initramfs), before);
  EXPECT_EQ(succeed("cat /sys/kernel/kexec_crash_loaded"), "1\n");
  EXPECT_THAT(succeed("systemctl show -P StatusText lifeboat-load"),
              HasSubstr("an older one is loaded: cannot write " + initramfs));
  // There is no room for a dump either.
  const auto check = run("lifeboat check");
  EXPECT_EQ(check.status, 3);
  EXPECT_THAT(check.text, HasSubstr("'dump.level = 31' is now 'dump.level = 17'"));
  EXPECT_THAT(check.text, HasSubstr("FAILURE  room of"));
  succeed("rm /var/full && systemctl reload lifeboat-load && lifeboat check");
}

}  // namespace
}  // namespace lifeboat::test
