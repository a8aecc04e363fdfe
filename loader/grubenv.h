// SPDX-License-Identifier: GPL-2.0-or-later
// GRUB's environment block (grubenv): variables that grub.cfg and boot entries use. RHEL 8 has the kernel's
// command line there, in `kernelopts`. A file of a fixed size, 1024 bytes as grub-editenv makes it: a first
// line that names it, "NAME=VALUE" lines in which a backslash stands before a backslash or a newline, and '#'
// up to the end.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"

namespace lifeboat {

struct GrubVariable {
  std::string name, value;
};

// The paths of those that exist below `root`, each file once: one may be a link to another.
std::vector<std::string> grub_environment_files(const std::string& root);

// Whether GRUB takes the text for an environment block: its first line says so. Else `load_env` fails, and
// nothing is set.
bool is_environment_block(std::string_view text);
// In their order. Quotes belong to the value. Empty also for a text that is not an environment block. What
// has a control character is left out: no command line has one.
std::vector<GrubVariable> grub_variables(std::string_view text);

// The block with another value of a variable that it has, in the same size. `corrupt`: not an environment
// block; `not_found`: it has no such variable; `no_space`: the value does not fit, GRUB would not read a
// larger file.
Result<std::string> with_grub_variable(const std::string& path, std::string_view text, std::string_view name,
                                       std::string_view value);

}  // namespace lifeboat
