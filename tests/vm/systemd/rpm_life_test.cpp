// SPDX-License-Identifier: GPL-2.0-or-later
// The .rpm packages and their scriptlets, by Debian's rpm: there is no distribution of rpms to be had for the
// tests. What the packages require is named for others, so dependencies are not looked at.
#include "tests/vm/systemd/installed_system.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;

class LongRpmLife : public InstalledSystem {
 protected:
  void boot() {
    auto root = DebianRoot::open(cache() / "debian-12");
    ASSERT_OK(root);
    auto files = files_below(root->packages("rpm"), "/root/rpm");
    ASSERT_FALSE(files.empty()) << root->packages("rpm");
    for (const char* folder : {"", "next"}) {
      for (const auto& entry :
           std::filesystem::directory_iterator(std::filesystem::path(LIFEBOAT_PACKAGES) / folder)) {
        if (entry.path().extension() == ".rpm")
          files.push_back({std::filesystem::path("/root") / folder / entry.path().filename(), entry.path()});
      }
    }
    InstalledSystem::boot("debian-12", reserved_grub(root->releases.back()), files);
    if (!HasFatalFailure()) succeed("dpkg -i /root/rpm/*.deb");
  }
  void expect_loaded(bool loaded) {
    EXPECT_EQ(run("cat /sys/kernel/kexec_crash_loaded").text, loaded ? "1\n" : "0\n");
  }
  std::string state(const std::string& unit) {
    std::string text = run(fmt::format("systemctl is-enabled {0}; systemctl is-active {0}", unit)).text;
    std::ranges::replace(text, '\n', ' ');
    return text;
  }
};

TEST_F(LongRpmLife, from_installation_to_removal) {
  ASSERT_NO_FATAL_FAILURE(boot());
  const std::string rpm = "rpm --nodeps --force-debian ";
  // Another package's folder, where there are rpms.
  succeed("mkdir -p /usr/share/licenses");
  succeed(std::string(kFilesOfTheSystem) + " >/root/before");
  EXPECT_EQ(succeed(rpm + "-i /root/lifeboat-0*.rpm"), "");
  expect_loaded(true);
  EXPECT_EQ(state("lifeboat-load.service"), "enabled active ");
  EXPECT_EQ(state("lifeboat-reload.path"), "enabled active ");
  EXPECT_EQ(state("lifeboat-collect.service"), "enabled inactive ");
  EXPECT_EQ(state("lifeboat-capture.service"), "enabled inactive ");
  succeed("lifeboat check");

  // An upgrade keeps what the operator has disabled and written.
  succeed(
      "systemctl disable lifeboat-collect 2>&1; systemctl disable --now lifeboat-reload.path 2>&1; "
      "echo '# mine' >>/etc/lifeboat.conf");
  EXPECT_EQ(succeed(rpm + "-U /root/next/lifeboat-0*.rpm"), "");
  EXPECT_EQ(state("lifeboat-collect.service"), "disabled inactive ");
  EXPECT_EQ(state("lifeboat-reload.path"), "disabled inactive ");
  EXPECT_EQ(state("lifeboat-load.service"), "enabled active ");
  EXPECT_THAT(run("cat /etc/lifeboat.conf").text, HasSubstr("# mine"));
  expect_loaded(true);
  EXPECT_EQ(count_in_journal("^Reloaded lifeboat-load"), 1);
  // And one who has stopped it has stopped it.
  succeed("systemctl disable --now lifeboat-load 2>&1");
  succeed(rpm + "-U --oldpackage /root/lifeboat-0*.rpm");
  EXPECT_EQ(state("lifeboat-load.service"), "disabled inactive ");
  expect_loaded(false);
  succeed("systemctl enable --now lifeboat-load 2>&1");
  expect_loaded(true);

  succeed("lifeboat reserve set 200M");
  ASSERT_NO_FATAL_FAILURE(restart("systemctl reboot"));
  expect_armed();
  succeed(rpm + "-e lifeboat");
  expect_loaded(false);
  EXPECT_NE(run("grep -r crashkernel /etc/default /boot/grub/grub.cfg").status, 0)
      << "the memory is still reserved";
  // rpm keeps a configuration that was changed.
  succeed("rm /etc/lifeboat.conf.rpmsave; [ ! -e /run/lifeboat ]");
  succeed(std::string(kFilesOfTheSystem) + " >/root/after");
  EXPECT_EQ(run("comm -13 /root/before /root/after | grep -v ^/var/lib/rpm").text, "");
  EXPECT_EQ(run("systemctl --failed --no-legend").text, "");
}

}  // namespace
}  // namespace lifeboat::test
