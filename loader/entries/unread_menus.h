// SPDX-License-Identifier: GPL-2.0-or-later
// Menus of boot loaders that nothing here reads. Where one is, the kernel that it starts is not known.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loader/booted_by.h"
#include "loader/entries/boot_entry.h"

namespace lifeboat {

struct UnreadMenu {
  std::optional<LoaderFamily> family;  // nullopt: it leaves no mark
  std::string name;                    // of the boot loader, for messages
  std::string file;
};

// Those below `paths` whose boot loader may have started this machine.
std::vector<UnreadMenu> find_unread_menus(const BootPaths& paths, const BootedBy& booted);
// "/boot/extlinux/extlinux.conf of extlinux", several with commas between.
std::string describe(const std::vector<UnreadMenu>& menus);

}  // namespace lifeboat
