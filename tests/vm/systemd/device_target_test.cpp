// SPDX-License-Identifier: GPL-2.0-or-later
// Dumps on a disk of their own that nothing mounts: [target] device. After the crash they are collected,
// listed and pruned all the same.
#include <nlohmann/json.hpp>

#include "tests/vm/systemd/installed_system.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

class LongDeviceTarget : public InstalledSystem {
 protected:
  Json list() { return Json::parse(succeed("lifeboat list --json"), nullptr, false); }
};

TEST_F(LongDeviceTarget, is_looked_after_unmounted) {
  auto root = DebianRoot::open(cache() / "debian-12");
  ASSERT_OK(root);
  ASSERT_NO_FATAL_FAILURE(boot("debian-12", reserved_grub(root->releases.back()), {},
                               {{.folder = "/srv/dumps", .size = "512M", .options = "noauto"}}));
  type("install");
  std::string uuid = succeed("blkid -o value -s UUID /dev/vdb");
  uuid = "UUID=" + uuid.substr(0, uuid.find('\n'));
  succeed(
      fmt::format("printf '[target]\\ndevice = {}\\npath = /crash\\n[retention]\\nkeep = 1\\n' "
                  ">/etc/lifeboat.conf.d/target.conf",
                  uuid));
  succeed("systemctl reload lifeboat-load");
  EXPECT_EQ(succeed("lifeboat list"), "no crash has been saved\n");

  ASSERT_NO_FATAL_FAILURE(crash("lifeboat rehearse --real --yes"));
  expect_armed();
  const Json first = list();
  ASSERT_EQ(first.size(), 1U) << first;
  expect_whole_and_collected(first[0]);
  EXPECT_EQ(first[0]["device"], uuid);
  EXPECT_THAT(first[0]["folder"].get<std::string>(), HasSubstr("/crash/2"));
  EXPECT_THAT(succeed("cat /proc/mounts"), Not(HasSubstr("vdb")));
  EXPECT_THAT(succeed("cat /run/motd.d/lifeboat"),
              HasSubstr("mount " + uuid + " /mnt; lifeboat inspect /mnt/crash/2"));
  EXPECT_EQ(Json::parse(succeed("cat /var/lib/lifeboat/rehearsal.json"), nullptr, false)["whole"], true);
  // By hand, once more, and by somebody who may not.
  EXPECT_THAT(succeed("lifeboat collect"), HasSubstr("no new crash"));
  succeed("test -s /run/motd.d/lifeboat");
  const auto nobody = run("setpriv --reuid=65534 --regid=65534 --clear-groups lifeboat list");
  EXPECT_EQ(nobody.status, 1) << nobody.text;
  EXPECT_THAT(nobody.text, HasSubstr("run this as root"));

  // The retention holds there too; and where it is mounted, it is looked at there.
  ASSERT_NO_FATAL_FAILURE(crash("sync; echo c >/proc/sysrq-trigger"));
  const Json second = list();
  ASSERT_EQ(second.size(), 1U) << second;
  expect_whole_and_collected(second[0]);
  EXPECT_NE(second[0]["folder"], first[0]["folder"]);
  succeed("mount /srv/dumps && lifeboat verify /srv/dumps/crash/*/vmcore");
  const Json mounted = list();
  ASSERT_EQ(mounted.size(), 1U) << mounted;
  EXPECT_TRUE(mounted[0]["device"].is_null());
  EXPECT_EQ(mounted[0]["folder"], "/srv/dumps" + second[0]["folder"].get<std::string>());
  EXPECT_THAT(run("lifeboat check").text, HasSubstr("room of " + uuid));
  EXPECT_THAT(run("lifeboat check").text, Not(HasSubstr("it is not mounted")));
}

}  // namespace
}  // namespace lifeboat::test
