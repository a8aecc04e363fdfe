// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vm/systemd/installed_system.h"

#include <chrono>
#include <iostream>

namespace lifeboat::test {
namespace {

using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

// The packages of this build, as the operator has them in the current folder.
std::vector<Addition> packages() {
  std::vector<Addition> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(LIFEBOAT_PACKAGES, error)) {
    if (entry.path().extension() == ".deb")
      files.push_back({"/root" / entry.path().filename(), entry.path()});
  }
  return files;
}

double seconds(Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

void InstalledSystem::boot(const std::string& suite, const std::string& grub,
                           const std::vector<Addition>& more, const std::vector<OwnDisk>& own,
                           const std::vector<std::string>& hardware) {
  std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  std::ranges::replace(name, '/', '_');
  folder_ = rehearsals() / "systemd" / name;
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_);
  auto additions = packages();
  ASSERT_FALSE(additions.empty()) << "./dev package makes the packages";
  additions.insert(additions.end(), more.begin(), more.end());
  auto root = DebianRoot::open(cache() / suite);
  ASSERT_OK(root);
  root_ = *std::move(root);
  if (!grub.empty()) {
    ASSERT_TRUE(write_file_atomically(folder_ / "grub.cfg", as_byte_span(grub), 0644));
    additions.push_back({"/boot/grub/grub.cfg", folder_ / "grub.cfg"});
  }
  auto disks = GuestDisks::create(root_, own, additions, folder_);
  ASSERT_OK(disks);
  disks_ = *std::move(disks);
  auto guest = SystemGuest::boot_by_grub(root_, disks_, folder_, hardware);
  ASSERT_OK(guest);
  guest_.emplace(*std::move(guest));
  run("cd /root");
}

std::string InstalledSystem::reserved_grub(const std::string& release) {
  return fmt::format(
      "linux /boot/vmlinuz-{0} root=/dev/vda ro console=ttyS0 mitigations=off systemd.show_status=true "
      "TERM=dumb "
      "crashkernel=256M\ninitrd /boot/initrd.img-{0}\nboot\n",
      release);
}

SystemGuest::Answer InstalledSystem::run(const std::string& line) {
  const auto begin = Clock::now();
  auto answer = guest_->run(line);
  EXPECT_TRUE(answer) << line << ": " << answer.error().to_string();
  // Where the test's time goes.
  if (const double took = seconds(Clock::now() - begin); took > 3)
    std::cerr << fmt::format("{:.1f} s for {}\n", took, line);
  return answer.value_or(SystemGuest::Answer{});
}

std::string InstalledSystem::succeed(const std::string& line) {
  const auto answer = run(line);
  EXPECT_EQ(answer.status, 0) << line << ": " << answer.text;
  return answer.text;
}

std::string InstalledSystem::type(const std::string& block) {
  const auto commands = documented_commands(LIFEBOAT_DOCS "/install.md", block);
  EXPECT_TRUE(commands) << commands.error().to_string();
  output_.clear();
  for (const auto& command : commands.value_or(std::vector<std::string>{})) {
    if (command == "systemctl reboot" || command.find("/proc/sysrq-trigger") != std::string::npos)
      return command;
    output_ += succeed(command);
  }
  return {};
}

void InstalledSystem::restart(const std::string& line) {
  const auto begin = Clock::now();
  const auto release = guest_->run_into_next_kernel(line);
  ASSERT_OK(release);
  std::cerr << fmt::format("{:.1f} s from {} to the system\n", seconds(Clock::now() - begin), line);
  run("cd /root");
}

void InstalledSystem::crash(const std::string& line, const std::string& capturing) {
  const size_t console_before = guest_->console().size();
  const auto begin = Clock::now();
  ASSERT_OK(guest_->send(line));
  const auto capture = guest_->wait_for_console(capturing, console_before);
  ASSERT_OK(capture);
  const auto end = guest_->wait_for_console("reboot: Restarting system", console_before);
  ASSERT_OK(end);
  const auto ready = guest_->wait_for_shell();
  ASSERT_OK(ready);
  std::cerr << fmt::format(
      "from the panic: {:.1f} s to the capture, {:.1f} s to the restart, {:.1f} s to the system\n",
      seconds(*capture - begin), seconds(*end - begin), seconds(Clock::now() - begin));
  run("cd /root");
}

void InstalledSystem::expect_armed() {
  EXPECT_EQ(run("cat /run/system-state").text, "running\n") << run("systemctl --failed --no-legend").text;
  type("armed");
  EXPECT_TRUE(output_.starts_with("armed")) << output_;
  EXPECT_THAT(output_, HasSubstr("active (exited)"));
  EXPECT_THAT(output_, HasSubstr("Status: \"")) << "the service has no status";
}

void InstalledSystem::expect_whole_and_collected(const nlohmann::json& crash) {
  EXPECT_EQ(crash["outcome"], "whole") << crash;
  EXPECT_EQ(crash["kind"], "sysrq") << crash;
  EXPECT_TRUE(crash["collected"].is_number()) << crash;
  EXPECT_EQ(succeed("systemctl show -P Result lifeboat-collect"), "success\n")
      << run("journalctl -b -u lifeboat-collect --no-pager").text;
}

int InstalledSystem::count_in_journal(const std::string& pattern) {
  // The journal writes messages with a delay.
  return std::atoi(run("journalctl --sync; journalctl -b -q --no-pager -o cat -u lifeboat-load | grep -c '" +
                       pattern + "'")
                       .text.c_str());
}

std::string InstalledSystem::arming_time() {
  const auto number = [&](const char* property) {
    const std::string text = run(fmt::format("systemctl show -P {} lifeboat-load.service", property)).text;
    return std::strtod(text.c_str(), nullptr);
  };
  return fmt::format(
      "{:.1f} s, {:.1f} s of them CPU",
      (number("ExecMainExitTimestampMonotonic") - number("ExecMainStartTimestampMonotonic")) / 1e6,
      number("CPUUsageNSec") / 1e9);
}

}  // namespace lifeboat::test
