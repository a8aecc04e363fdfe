// SPDX-License-Identifier: GPL-2.0-or-later
// A virtual machine with a whole Debian. A shell on its second serial port (root/usr/local/sbin/guest-shell)
// runs what the test asks for.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/base/file.h"
#include "src/base/process.h"
#include "tests/vm/systemd/guest_disks.h"

namespace lifeboat::test {

class SystemGuest {
 public:
  struct Answer {
    int status = -1;
    std::string text;
  };
  // Boots `release` by QEMU and waits for the shell; `folder` takes what the machine prints. A kernel that
  // dies before /init, as some do under software emulation, is started again, three starts at most, and it is
  // said.
  static Result<SystemGuest> boot(const DebianRoot& root, const GuestDisks& disks, const std::string& release,
                                  const std::filesystem::path& folder);
  // The same by BIOS and GRUB, as an installed machine does it: a machine that restarts boots again.
  // `hardware`: what else the machine has, as QEMU's arguments.
  static Result<SystemGuest> boot_by_grub(const DebianRoot& root, const GuestDisks& disks,
                                          const std::filesystem::path& folder,
                                          const std::vector<std::string>& hardware = {});
  // The same by EFI firmware, and what it finds on a disk's EFI partition.
  static Result<SystemGuest> boot_by_efi(const GuestDisks& disks, const std::filesystem::path& folder);

  // Runs one line of shell.
  Result<Answer> run(const std::string& line);
  // Runs a line that takes the machine into another kernel and waits for the shell there: the release that
  // runs then.
  Result<std::string> run_into_next_kernel(const std::string& line);
  // The release that the shell names when it is ready. A line of it that failed before is the error.
  Result<std::string> wait_for_shell();
  // Runs a line that ends the machine, and waits for its end.
  Result<> run_to_the_end(const std::string& line);

  // Sends a line and waits for no answer.
  Result<> send(const std::string& line);
  // Types a line at a shell that is not ours, on the same port, until something has `answer` in it: what is
  // typed before it listens may be lost. The port's echo of the line must not have it.
  Result<> type_until(const std::string& line, const std::string& answer);
  // When the console has `text`, behind what it had when it was `from` bytes long.
  Result<std::chrono::steady_clock::time_point> wait_for_console(const std::string& text, size_t from);

  // Everything that the kernels and the service manager have printed.
  [[nodiscard]] std::string console() const;

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  SystemGuest(ChildProcess qemu, UniqueFd shell, std::string console)
      : qemu_(std::move(qemu)), shell_(std::move(shell)), console_(std::move(console)) {}

  static Result<SystemGuest> start(const std::vector<std::string>& arguments, const std::string& socket,
                                   const std::string& console);
  static Result<SystemGuest> boot(const std::vector<std::string>& machine, const std::string& what,
                                  const std::filesystem::path& folder);
  // The next line from the shell's port; `timeout`, or `truncated` when the machine is gone.
  Result<std::string> next_line(Deadline deadline);
  // Whether the first kernel comes as far as its /init.
  bool reaches_init();
  // With the console's last lines.
  [[nodiscard]] Error explained(Error error) const;

  ChildProcess qemu_;
  UniqueFd shell_;
  std::string console_;
  std::string received_;
};

}  // namespace lifeboat::test
