// SPDX-License-Identifier: GPL-2.0-or-later
// What boot loaders and systemd-stub leave in EFI variables for the system that they start: the Boot Loader
// Interface of systemd.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lifeboat {

// Of SYS/firmware/efi/efivars: "LoaderInfo", "LoaderEntryDefault". Names are ASCII: nullopt for a variable
// that is missing, empty, over 4 KiB, or has anything else in it.
std::optional<std::string> read_loader_variable(const std::string& sys, std::string_view name);
// Where it is.
std::string loader_variable_file(const std::string& sys, std::string_view name);

}  // namespace lifeboat
