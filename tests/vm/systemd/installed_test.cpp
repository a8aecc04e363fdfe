// SPDX-License-Identifier: GPL-2.0-or-later
// docs/install.md, typed word by word into a Debian that GRUB boots: the package is installed, memory
// reserved, the machine crashed; after its restart the dump is there and whole.
#include <gtest/gtest.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "documented_commands.h"
#include "support/programs.h"
#include "system_guest.h"

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

#define ASSERT_OK(result) ASSERT_TRUE(result) << (result).error().to_string()

// The packages of this build, as the operator has them in the current folder.
std::vector<Addition> packages() {
  std::vector<Addition> files;
  for (const auto& entry : std::filesystem::directory_iterator(LIFEBOAT_PACKAGES)) {
    if (entry.path().extension() == ".deb")
      files.push_back({"/root" / entry.path().filename(), entry.path()});
  }
  return files;
}

double seconds(Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

class Installed : public ::testing::TestWithParam<const char*> {
 protected:
  void boot() {
    std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::ranges::replace(name, '/', '_');
    folder_ = rehearsals() / "systemd" / name;
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    const auto debs = packages();
    ASSERT_FALSE(debs.empty()) << "./dev package makes the packages";
    auto root = DebianRoot::open(cache() / GetParam());
    ASSERT_OK(root);
    auto disks = GuestDisks::create(*root, BootFolder::on_root, debs, folder_);
    ASSERT_OK(disks);
    disks_ = *std::move(disks);
    auto guest = SystemGuest::boot_by_grub(*root, disks_, folder_);
    ASSERT_OK(guest);
    guest_.emplace(*std::move(guest));
    run("cd /root");
  }

  SystemGuest::Answer run(const std::string& line) {
    auto answer = guest_->run(line);
    EXPECT_TRUE(answer) << line << ": " << answer.error().to_string();
    return answer.value_or(SystemGuest::Answer{});
  }
  std::string succeed(const std::string& line) {
    const auto answer = run(line);
    EXPECT_EQ(answer.status, 0) << line << ": " << answer.text;
    return answer.text;
  }
  // Types a block of the document; the last line is returned, when it restarts the machine, and not typed.
  std::string type(const std::string& block) {
    const auto commands = documented_commands(LIFEBOAT_DOCS "/install.md", block);
    EXPECT_TRUE(commands) << commands.error().to_string();
    said_.clear();
    for (const auto& command : commands.value_or(std::vector<std::string>{})) {
      if (command == "systemctl reboot" || command.find("/proc/sysrq-trigger") != std::string::npos)
        return command;
      said_ += succeed(command);
    }
    return {};
  }
  // Types a line that restarts the machine, and waits until it is back.
  void restart(const std::string& line) {
    const auto release = guest_->run_into_next_kernel(line);
    ASSERT_OK(release);
    run("cd /root");
  }

  // The crash that a line brings about, up to the next boot of the system.
  void crash(const std::string& line) {
    const size_t said = guest_->console().size();
    const auto begin = Clock::now();
    ASSERT_OK(guest_->send(line));
    const auto capture = guest_->console_says("lifeboat: phase capture-start", said);
    ASSERT_OK(capture);
    const auto end = guest_->console_says("lifeboat: phase capture-end", said);
    ASSERT_OK(end);
    const auto ready = guest_->wait_for_shell();
    ASSERT_OK(ready);
    std::cerr << fmt::format(
        "from the panic: {:.1f} s to lifeboat-init, {:.1f} s to the restart, {:.1f} s to the system\n",
        seconds(*capture - begin), seconds(*end - begin), seconds(Clock::now() - begin));
    run("cd /root");
  }

  // How long lifeboat-load.service took to arm the machine in this boot.
  double arming_seconds() {
    const auto microseconds = [&](const char* property) {
      const std::string text = run(fmt::format("systemctl show -P {} lifeboat-load.service", property)).text;
      return std::strtod(text.c_str(), nullptr);
    };
    return (microseconds("ExecMainExitTimestampMonotonic") -
            microseconds("ExecMainStartTimestampMonotonic")) /
           1e6;
  }
  void expect_armed() {
    EXPECT_EQ(run("cat /run/system-state").text, "running\n") << run("systemctl --failed --no-legend").text;
    type("armed");
    EXPECT_THAT(said_, HasSubstr("armed"));
    EXPECT_THAT(said_, HasSubstr("active (exited)"));
    EXPECT_THAT(said_, HasSubstr("Status: \"")) << "the service says nothing";
  }

  std::filesystem::path folder_;
  GuestDisks disks_;
  std::optional<SystemGuest> guest_;
  std::string said_;  // by the commands of the last block
};

TEST_P(Installed, crash_is_captured) {
  ASSERT_NO_FATAL_FAILURE(boot());
  type("install");
  EXPECT_THAT(said_, HasSubstr("no memory is reserved"));
  EXPECT_EQ(run("lifeboat status").status, 3);

  ASSERT_NO_FATAL_FAILURE(restart(type("reserve")));
  expect_armed();
  std::cerr << fmt::format("first arming: {:.1f} s\n", arming_seconds());
  ASSERT_NO_FATAL_FAILURE(restart("systemctl reboot"));
  expect_armed();
  std::cerr << fmt::format("later arming: {:.1f} s\n", arming_seconds());

  ASSERT_NO_FATAL_FAILURE(crash(type("crash")));
  expect_armed();
  type("look");
  EXPECT_THAT(said_, HasSubstr("sysrq"));
  const auto crashes = Json::parse(succeed("lifeboat list --json"), nullptr, false);
  EXPECT_THAT(crashes.dump(), HasSubstr("/var/crash/lifeboat")) << crashes;
  EXPECT_EQ(run("systemctl is-active lifeboat-collect").text, "inactive\n");
  EXPECT_EQ(run("systemctl show -P Result lifeboat-collect").text, "success\n");
}

INSTANTIATE_TEST_SUITE_P(, Installed, ::testing::Values("debian-12", "debian-13"),
                         [](const auto& suite) { return std::string(suite.param).replace(6, 1, "_"); });

}  // namespace
}  // namespace lifeboat::test
