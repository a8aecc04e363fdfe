// SPDX-License-Identifier: GPL-2.0-or-later
// A Debian that GRUB boots, with this build's packages in /root: what tests of an installed machine stand on.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tests/support/programs.h"
#include "tests/vm/systemd/documented_commands.h"
#include "tests/vm/systemd/system_guest.h"

namespace lifeboat::test {

#define ASSERT_OK(result) ASSERT_TRUE(result) << (result).error().to_string()

// Lists the files of a system: what runs and logs by itself is not what a package leaves.
inline constexpr const char* kFilesOfTheSystem =
    "find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /root "
    "-o -path /var/log -o -path /var/tmp -o -path /var/cache -o -path /var/lib/apt -o -path "
    "'/var/lib/dpkg/*-old' "
    "-o -path /var/lib/systemd/timers -o -path /var/lib/systemd/random-seed -o -path /var/lib/witness \\) "
    "-prune -o "
    "-print | sort";

class InstalledSystem : public ::testing::Test {
 protected:
  // `suite`: "debian-12". With `grub`, that is the first boot's configuration; else the one that the root
  // comes with: its newest kernel, with no memory reserved. `more`: further files of the machine; `own`:
  // folders on disks of their own; `hardware`: what else the machine has, as QEMU's arguments. Check for
  // failure when it returns.
  void boot(const std::string& suite, const std::string& grub = {}, const std::vector<Addition>& more = {},
            const std::vector<OwnDisk>& own = {}, const std::vector<std::string>& hardware = {});
  // A grub.cfg that boots this kernel with memory reserved.
  static std::string reserved_grub(const std::string& release);

  SystemGuest::Answer run(const std::string& line);
  // Fails the test when the line's exit status is not 0. Returns its output.
  std::string succeed(const std::string& line);
  // Types a block of docs/install.md, into output_. A line that restarts the machine is returned and not
  // typed.
  std::string type(const std::string& block);
  // Types a line that restarts the machine, and waits until it is back.
  void restart(const std::string& line);
  // The crash that a line brings about, up to the next boot of the system. The capture kernel is at work when
  // the console has `capturing`.
  void crash(const std::string& line, const std::string& capturing = "lifeboat: phase capture-start");

  void expect_armed();
  // One crash by sysrq, as `lifeboat list --json` has it.
  void expect_whole_and_collected(const nlohmann::json& crash);
  // How many lines about lifeboat-load.service in the journal of this boot match; those that come while it is
  // asked are not waited for, those that came before are.
  int count_in_journal(const std::string& pattern);
  // How long lifeboat-load.service took to arm the machine in this boot: "12.3 s, 4.5 s of them CPU".
  std::string arming_time();

  DebianRoot root_{};
  std::filesystem::path folder_;
  GuestDisks disks_;
  std::optional<SystemGuest> guest_;
  std::string output_;
};

}  // namespace lifeboat::test
