// SPDX-License-Identifier: GPL-2.0-or-later
// What `lifeboat load` would load is what GRUB then boots: the kernel and every parameter, for the
// configuration that the root comes with, and for that of update-grub with a default set by grub-set-default
// (an entry of a submenu, by its id) and by grub-reboot (by number).
#include <gtest/gtest.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/support/programs.h"
#include "tests/vm/systemd/system_guest.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;

#define ASSERT_OK(result) ASSERT_TRUE(result) << (result).error().to_string()

class BootEntryOfGrub : public ::testing::TestWithParam<const char*> {
 protected:
  void boot() {
    folder_ = rehearsals() / "systemd" / (std::string("boot_entry_") + GetParam());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    auto root = DebianRoot::open(cache() / GetParam());
    ASSERT_OK(root);
    auto disks = GuestDisks::create(*root, {}, built_programs(), folder_);
    ASSERT_OK(disks);
    // GRUB with a menu and without a screen never returns from the BIOS.
    auto guest = SystemGuest::boot_by_grub(*root, *disks, folder_, {"-device", "VGA"});
    ASSERT_OK(guest);
    guest_.emplace(*std::move(guest));
  }
  std::string succeed(const std::string& line) {
    const auto answer = guest_->run(line);
    EXPECT_TRUE(answer) << answer.error().to_string();
    if (!answer) return {};
    EXPECT_EQ(answer->status, 0) << line << ": " << answer->text;
    return answer->text;
  }
  // What a load would load: the kernel and its parameters.
  nlohmann::json choice() {
    return nlohmann::json::parse(succeed("lifeboat load --dry-run --json 2>/dev/null"), nullptr, false);
  }
  // GRUB adds which kernel file it was.
  void expect_booted(const nlohmann::json& choice) {
    ASSERT_TRUE(choice.is_object()) << choice;
    const std::string kernel = choice["kernel"].get<std::string>();
    EXPECT_EQ(succeed("cat /proc/cmdline"),
              "BOOT_IMAGE=" + kernel + " " + choice["command_line"].get<std::string>() + "\n");
  }
  void restart() {
    // GRUB does not replay a journal: the file system has to be unmounted.
    const auto release = guest_->run_into_next_kernel("systemctl reboot");
    ASSERT_OK(release);
  }

  std::filesystem::path folder_;
  std::optional<SystemGuest> guest_;
};

TEST_P(BootEntryOfGrub, is_the_one_that_a_load_takes) {
  ASSERT_NO_FATAL_FAILURE(boot());
  expect_booted(choice());

  // Every entry gets a mark of its own.
  succeed("sed -i 's/^GRUB_DEFAULT=.*/GRUB_DEFAULT=saved/' /etc/default/grub && update-grub");
  succeed(
      "awk '/^[ \\t]*linux[ \\t]/ { $0 = $0 \" test.mark=\" ++n } { print }' /boot/grub/grub.cfg >/root/cfg "
      "&& "
      "cat /root/cfg >/boot/grub/grub.cfg");
  const std::string ids = succeed("grep -o \"gnulinux-[^ ']*\" /boot/grub/grub.cfg");
  const size_t at = ids.find("gnulinux-advanced-");
  ASSERT_NE(at, std::string::npos) << ids;
  const std::string submenu = ids.substr(at, ids.find('\n', at) - at);
  // The last entry that is not for recovery: the older kernel where there are two.
  const size_t last = ids.rfind("-advanced-");
  const std::string older_id =
      ids.substr(ids.rfind('\n', last) + 1, ids.find('\n', last) - ids.rfind('\n', last) - 1);
  EXPECT_THAT(older_id, HasSubstr("gnulinux-"));

  const auto first = choice();
  EXPECT_THAT(first.dump(), HasSubstr("test.mark=1"));
  succeed("grub-set-default '" + submenu + ">" + older_id + "'");
  const auto saved = choice();
  EXPECT_NE(saved["command_line"], first["command_line"]);
  ASSERT_NO_FATAL_FAILURE(restart());
  expect_booted(saved);

  succeed("grub-reboot 0");
  const auto next = choice();
  EXPECT_NE(next["command_line"], saved["command_line"]);
  ASSERT_NO_FATAL_FAILURE(restart());
  expect_booted(next);
  // grub-reboot is for once.
  EXPECT_EQ(choice()["command_line"], saved["command_line"]);
}

std::string suite_name(const ::testing::TestParamInfo<const char*>& suite) {
  return std::string(suite.param).replace(6, 1, "_");
}
INSTANTIATE_TEST_SUITE_P(On, BootEntryOfGrub, ::testing::Values("debian-12"), suite_name);
INSTANTIATE_TEST_SUITE_P(LongOn, BootEntryOfGrub, ::testing::Values("debian-13"), suite_name);

}  // namespace
}  // namespace lifeboat::test
