// SPDX-License-Identifier: GPL-2.0-or-later
// What may change after a load: `lifeboat check` names it, and a reload fixes it.
#include "tests/vm/systemd/installed_system.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using LongStaleness = InstalledSystem;

TEST_F(LongStaleness, check_notices_what_is_stale) {
  auto root = DebianRoot::open(cache() / "debian-12");
  ASSERT_OK(root);
  const std::string release = root->releases.back();
  ASSERT_NO_FATAL_FAILURE(boot("debian-12", reserved_grub(release), {}, {{"/srv"}}));
  type("install");
  const struct {
    const char* what;
    std::string change;
    std::string expected;  // by check
  } cases[] = {
      {"configuration", "printf '[dump]\\nlevel = 17\\n' >/etc/lifeboat.conf.d/level.conf", "level"},
      {"command line", "printf '[capture]\\nappend = quiet\\n' >/etc/lifeboat.conf.d/quiet.conf",
       "its command line is"},
      // A package of modules rebuilt, the same size.
      {"module", "touch $(modinfo -n virtio_blk)", "virtio_blk"},
      {"kernel", "echo >>/boot/vmlinuz-" + release, "/boot/vmlinuz-" + release + " has changed"},
      {"lifeboat-init", "touch /usr/lib/lifeboat/lifeboat-init", "lifeboat-init"},
      {"target", "umount /srv && mkdir -p /var/crash && mount /dev/vdb /var/crash", "target"},
      {"initramfs", "rm /var/lib/lifeboat/initramfs-*", "is not there"},
      {"lifeboat itself", "dpkg -i /root/lifeboat_*.deb", ""},
  };
  for (const auto& [what, change, expected] : cases) {
    SCOPED_TRACE(what);
    succeed(change);
    const std::string check = succeed("lifeboat check");
    if (expected.empty()) {
      EXPECT_THAT(check, Not(HasSubstr("fix: lifeboat load"))) << "the package has loaded it";
      continue;
    }
    EXPECT_THAT(check, HasSubstr("the loaded capture kernel is out of date"));
    EXPECT_THAT(check, HasSubstr(expected));
    succeed("systemctl reload lifeboat-load");
    EXPECT_THAT(succeed("lifeboat check"), Not(HasSubstr("fix: lifeboat load")));
  }
  succeed("systemctl stop lifeboat-load");
  EXPECT_THAT(run("lifeboat check").text, HasSubstr("a crash would NOT be captured"));
}

}  // namespace
}  // namespace lifeboat::test
