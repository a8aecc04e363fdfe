// SPDX-License-Identifier: GPL-2.0-or-later
// What the running kernel's log has about crashkernel=: its first lines, which the ring buffer may have lost;
// then the journal has them.
#pragma once

#include <string>
#include <vector>

namespace lifeboat::reservation {

struct BootLogPaths {
  std::string kmsg = "/dev/kmsg";
  bool journal = true;  // asks journalctl when the ring buffer has lost its first lines
};

// Lines with "crashkernel" or "crash kernel", without time and level, at most 50. Empty also when the log
// cannot be read (dmesg_restrict).
std::vector<std::string> reservation_log(const BootLogPaths& paths);

// The same of a text with one message a line (a record of /dev/kmsg, a line of the journal or of dmesg).
std::vector<std::string> reservation_lines(const std::string& text);

}  // namespace lifeboat::reservation
