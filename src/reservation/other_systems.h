// SPDX-License-Identifier: GPL-2.0-or-later
// Systems on which `reserve set` changes no file, because what it wrote would be overwritten, or would not be
// read. The errors name the system and what to do there.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "loader/booted_by.h"
#include "src/base/error.h"

namespace lifeboat::reservation {

// A system whose configuration has the kernel's command line and writes the boot loader's files from it.
// `unsupported`; `value` is what follows crashkernel=, empty for none.
std::optional<Error> other_system(const std::string& root, std::string_view value);

// `not_found`: no boot loader of boot_loaders_at(). Names what there is instead.
Error no_boot_loader(const std::string& root, const BootedBy& booted, std::string_view value);

}  // namespace lifeboat::reservation
