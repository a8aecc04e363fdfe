// SPDX-License-Identifier: GPL-2.0-or-later
// What a program needs to run in an initramfs: its libraries, its loader, its interpreter.
#pragma once

#include <string>
#include <vector>

#include "src/base/error.h"

namespace lifeboat {

// Paths on this machine, the program itself first; each must have the same path in the initramfs. For a
// script also its interpreter with all that one needs; for a file that is not a program only itself. The
// program is not run: its dynamic loader lists what it would load (ld.so(8), --list).
Result<std::vector<std::string>> program_files(const std::string& path);

}  // namespace lifeboat
