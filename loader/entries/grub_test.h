// SPDX-License-Identifier: GPL-2.0-or-later
// GRUB's `test` and `[`: the condition of most `if`s of a grub.cfg.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "loader/entries/grub_value.h"

namespace lifeboat::grub {

// Answers -d, -e, -f and -s of a path, by that letter.
using FileTest = std::function<Truth(char test, const std::string& path)>;

// `arguments` without the command's name; a "]" at their end does not count. As GRUB does it, and unlike a
// shell: -o binds weaker than -a, which may be left out.
Truth evaluate_test(std::vector<std::string> arguments, const FileTest& file_test);

}  // namespace lifeboat::grub
