// SPDX-License-Identifier: GPL-2.0-or-later
// Which file the firmware of a Raspberry Pi takes the command line from, by its config.txt
// (raspberrypi.com, "config.txt": cmdline, os_prefix, include, conditional filters).
#pragma once

#include <string>
#include <vector>

#include "src/base/error.h"

namespace lifeboat::reservation {

struct RaspberryPiCommandLine {
  // Relative to the folder of config.txt: "cmdline.txt", "current/cmdline.txt".
  Result<std::string> file;  // `unsupported`: it depends on the board, or on what config.txt does not show
  // Every file that config.txt names, and cmdline.txt, in any section; relative, none with "..".
  std::vector<std::string> candidates;
};

// `folder`: the mounted boot partition, with config.txt. What stands in a section for some boards only counts
// where it decides about the command line; [none] and [tryboot], which is for one boot, do not count.
RaspberryPiCommandLine raspberry_pi_command_line(const std::string& folder);

}  // namespace lifeboat::reservation
