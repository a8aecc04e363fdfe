// SPDX-License-Identifier: GPL-2.0-or-later
// Kernels that apt installs, exchanges and purges, with their own maintainer scripts and hooks.
#include "tests/vm/systemd/installed_system.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LongKernelUpgrade : public InstalledSystem {
 protected:
  void boot() {
    auto root = DebianRoot::open(cache() / "debian-12");
    ASSERT_OK(root);
    older_ = root->releases.front();
    newer_ = root->releases.back();
    std::vector<Addition> package;
    for (auto& file : files_below(root->packages("kernels"), "/root/kernels")) {
      if (file.guest.filename().string().starts_with("linux-image-" + newer_ + "_")) package.push_back(file);
    }
    ASSERT_EQ(package.size(), 1U) << root->packages("kernels");
    InstalledSystem::boot("debian-12", reserved_grub(older_), package);
  }
  // Whether the capture initramfs of that kernel lies there.
  bool has_initramfs(const std::string& release) {
    return run(fmt::format("cd /var/lib/lifeboat && ls initramfs-{0}.img initramfs-{0}.recipe", release))
               .status == 0;
  }
  int loads() { return count_in_journal("is loaded for the next"); }
  std::string older_, newer_;
};

TEST_F(LongKernelUpgrade, by_apt) {
  ASSERT_NO_FATAL_FAILURE(boot());
  type("install");
  succeed("lifeboat reserve set 256M");
  EXPECT_TRUE(has_initramfs(older_));
  EXPECT_EQ(loads(), 1);

  // The metapackages go too: they would have apt keep the kernels.
  succeed("lifeboat build --kernel " + newer_);
  EXPECT_TRUE(has_initramfs(newer_));
  succeed("apt-get -y purge linux-image-amd64 linux-image-6.12-amd64 linux-image-" + newer_);
  EXPECT_FALSE(has_initramfs(newer_));
  EXPECT_TRUE(has_initramfs(older_));

  EXPECT_THAT(succeed("apt-get -y install /root/kernels/*.deb"), Not(HasSubstr("lifeboat:")));
  EXPECT_TRUE(has_initramfs(newer_)) << "the kernel's installation has made none";
  EXPECT_EQ(loads(), 1) << "another kernel than the running one changed";
  EXPECT_THAT(succeed("lifeboat check"), HasSubstr(newer_ + " is the newest: the next boot loads that one"));

  ASSERT_NO_FATAL_FAILURE(restart("systemctl reboot"));
  EXPECT_EQ(run("uname -r").text, newer_ + "\n");
  expect_armed();
  EXPECT_EQ(count_in_journal("was built"), 0)
      << "the one that the kernel's installation has made is not used";
  EXPECT_THAT(succeed("lifeboat status"), HasSubstr("initramfs-" + newer_));

  // The running kernel's package once more, and another's removal.
  EXPECT_EQ(loads(), 1);
  succeed("apt-get -y --reinstall install /root/kernels/*.deb");
  EXPECT_EQ(loads(), 2);
  EXPECT_THAT(succeed("lifeboat check"), Not(HasSubstr("stale")));
  succeed("apt-get -y purge linux-image-" + older_);
  EXPECT_FALSE(has_initramfs(older_));
  EXPECT_TRUE(has_initramfs(newer_));
  expect_armed();
}

}  // namespace
}  // namespace lifeboat::test
