// SPDX-License-Identifier: GPL-2.0-or-later
// Kernel command lines: split as the kernel splits them, and made fit for a capture kernel.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace lifeboat {

// Words at white space outside double quotes (next_arg() in lib/cmdline.c). Quotes stay. `usage` for a NUL, a newline, or
// a quote that is never closed.
Result<std::vector<std::string>> split_command_line(std::string_view text);

// The name before '=', with '-' and '_' taken as the same, as the kernel does.
std::string parameter_name(std::string_view word);

// The command line of a capture kernel: `reused` (that of the running kernel, or empty) without what must not be
// reused, then what a capture kernel needs, then `append`. What `append` or `reused` sets is not added a second time.
Result<std::string> crash_command_line(std::string_view reused, std::string_view append);

// The command line of a normal kexec: `reused` without BOOT_IMAGE and the like, then `append`.
Result<std::string> normal_command_line(std::string_view reused, std::string_view append);

}  // namespace lifeboat
