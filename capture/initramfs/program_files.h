// SPDX-License-Identifier: GPL-2.0-or-later
// What a program needs to run where nothing else is: its libraries, its loader, its interpreter.
#pragma once

#include <string>
#include <vector>

#include "src/base/error.h"

namespace lifeboat {

// Paths on this machine, the program itself first; each is wanted under just that path. For a script its
// interpreter with all that one needs; for a file that is no program only itself. The program is not run: its
// own dynamic loader is asked what it would load (ld.so(8), --list), which runs no code of it.
Result<std::vector<std::string>> program_files(const std::string& path);

}  // namespace lifeboat
