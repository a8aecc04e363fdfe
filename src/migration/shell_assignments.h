// SPDX-License-Identifier: GPL-2.0-or-later
// The assignments of a file that a shell would source, such as /etc/default/NAME: read by the quoting rules
// of sh(1), never executed. Whatever only a shell could answer (expansions, commands, conditions) is reported
// with its line instead.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::migration {

struct ShellAssignment {
  unsigned line = 0;    // from 1: where it begins
  std::string name;     // of the variable; empty: the line is not an assignment
  std::string value;    // without its quotes
  std::string problem;  // why the value is not known; empty: it is
};

// In the order of the file. A line that is not an assignment has a `problem`, and its text as `value`. What
// follows a condition, a loop or a function is not taken: it may never be executed.
std::vector<ShellAssignment> parse_shell_assignments(std::string_view text);

}  // namespace lifeboat::migration
