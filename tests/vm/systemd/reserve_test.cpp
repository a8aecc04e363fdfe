// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat reserve set` that does not come to its end: killed before update-grub has run, or update-grub
// fails.
#include "tests/vm/systemd/installed_system.h"

namespace lifeboat::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class LongReserveCutShort : public InstalledSystem {
 protected:
  // A program that is found in update-grub's place.
  void put_update_grub(const std::string& script) {
    succeed("mkdir -p /root/bin && printf '#!/bin/sh\\n" + script +
            "\\n' >/root/bin/update-grub && chmod 755 /root/bin/update-grub");
  }
  // 'lifeboat reserve set ...' with it.
  SystemGuest::Answer set_with_it(const std::string& arguments) {
    return run("PATH=/root/bin:$PATH lifeboat reserve set " + arguments);
  }
  // The parameters in what GRUB boots by, and in lifeboat's own file.
  std::string in_grub_cfg() { return run("grep -o 'crashkernel=[^ ]*' /boot/grub/grub.cfg | sort -u").text; }
  std::string in_drop_in() {
    return run("grep -so 'crashkernel=[^\" ]*' /etc/default/grub.d/lifeboat.cfg").text;
  }
  void expect_reported(const std::string& size) {
    EXPECT_THAT(run("lifeboat check").text,
                AllOf(HasSubstr("crashkernel=" + size + " was not set completely"),
                      HasSubstr("lifeboat reserve set '" + size + "'")));
    EXPECT_THAT(succeed("lifeboat reserve show"),
                HasSubstr("crashkernel=" + size + ", but not yet in the boot loader's configuration"));
  }
  void expect_not_reported() {
    EXPECT_THAT(run("lifeboat check").text, Not(HasSubstr("was not set completely")));
    EXPECT_THAT(succeed("lifeboat reserve show --json"), HasSubstr("\"unfinished\": null"));
  }
};

TEST_F(LongReserveCutShort, is_reported_and_completed_later) {
  auto root = DebianRoot::open(cache() / "debian-12");
  ASSERT_OK(root);
  ASSERT_NO_FATAL_FAILURE(boot("debian-12", reserved_grub(root->releases.back())));
  type("install");
  expect_not_reported();

  put_update_grub("kill -9 $PPID");
  EXPECT_NE(set_with_it("200M").status, 0);
  EXPECT_EQ(in_drop_in(), "crashkernel=200M\n");
  EXPECT_EQ(in_grub_cfg(), "crashkernel=256M\n");
  expect_reported("200M");
  // The machine boots as before, and still reports it.
  ASSERT_NO_FATAL_FAILURE(restart("systemctl reboot"));
  expect_armed();
  EXPECT_THAT(succeed("cat /proc/cmdline"), HasSubstr("crashkernel=256M"));
  expect_reported("200M");
  EXPECT_THAT(succeed("lifeboat reserve set 200M"), HasSubstr("ran /usr/sbin/update-grub"));
  EXPECT_EQ(in_grub_cfg(), "crashkernel=200M\n");
  expect_not_reported();

  // A failure is reported, and nothing is half done.
  put_update_grub("echo there is no room; exit 1");
  const auto failed = set_with_it("220M");
  EXPECT_EQ(failed.status, 1);
  EXPECT_THAT(failed.text, AllOf(HasSubstr("there is no room"), HasSubstr("The files were restored")));
  EXPECT_EQ(in_drop_in() + in_grub_cfg(), "crashkernel=200M\ncrashkernel=200M\n");
  expect_not_reported();

  // Taking it away may be cut short as well, and cleans up after what was.
  put_update_grub("kill -9 $PPID");
  EXPECT_NE(set_with_it("none").status, 0);
  EXPECT_EQ(in_grub_cfg(), "crashkernel=200M\n");
  EXPECT_THAT(succeed("lifeboat reserve set none"), HasSubstr("ran /usr/sbin/update-grub"));
  EXPECT_EQ(in_drop_in() + in_grub_cfg(), "");
  EXPECT_NE(set_with_it("220M").status, 0);
  expect_reported("220M");
  succeed("lifeboat reserve set none");
  EXPECT_EQ(in_drop_in() + in_grub_cfg(), "");
  expect_not_reported();
  EXPECT_THAT(succeed("lifeboat reserve set 240M"), HasSubstr("crashkernel=240M from the next boot on"));
  ASSERT_NO_FATAL_FAILURE(restart("systemctl reboot"));
  EXPECT_THAT(succeed("cat /proc/cmdline"), HasSubstr("crashkernel=240M"));
  expect_armed();
}

}  // namespace
}  // namespace lifeboat::test
