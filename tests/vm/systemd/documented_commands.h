// SPDX-License-Identifier: GPL-2.0-or-later
// The commands of a document, such as docs/kexec-reboot.md, so that the tests type exactly these.
#pragma once

#include <string>
#include <vector>

#include "src/base/error.h"

namespace lifeboat::test {

// The lines of the block that follows the comment "<!-- commands: NAME -->" in the file.
Result<std::vector<std::string>> documented_commands(const std::string& path, const std::string& name);

}  // namespace lifeboat::test
