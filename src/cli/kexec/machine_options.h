// SPDX-License-Identifier: GPL-2.0-or-later
// The options that kexec(8) has only on the architecture that this program is built for. Each folder named
// after an architecture has its own; the build selects one. None of them does anything here: either there is
// nothing to do, or it cannot be done.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lifeboat::cli::kexec {

struct MachineOption {
  const char* name = nullptr;   // without "--"
  std::string_view value = {};  // what it takes, as --help calls it: "PORT"; empty: nothing
  // For users: that it changes nothing, or why it is not supported.
  std::string_view remark;
  bool supported = true;  // else no kernel is loaded with it
  bool of_load = false;   // about loading: an error when nothing is loaded
  // What is wrong with a value; empty: nothing. nullptr: every value is taken.
  std::string (*check)(const char* value) = nullptr;
};
// In the order of --help.
std::span<const MachineOption> machine_options();

}  // namespace lifeboat::cli::kexec
