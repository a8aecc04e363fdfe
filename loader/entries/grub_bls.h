// SPDX-License-Identifier: GPL-2.0-or-later
// Entries of the Boot Loader Specification as the GRUB of Fedora and its relatives shows them (command
// blscfg): another order than systemd-boot's, and options that are text of its script language.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loader/entries/grub_environment.h"

namespace lifeboat::grub {

struct BlsEntry {
  std::string id;     // the file's name without ".conf"
  std::string title;  // the kernel's path where the file has none
  std::string file;
  std::string script;  // what the entry runs; "" for the commands that only prepare the screen
  std::vector<std::string> unset;
};

// Whether `a` stands above `b` in the menu: by name, version and release of the id, as rpm compares them.
bool is_above(std::string_view a, std::string_view b);

// The entries of `folder` in the order of the menu. A file that cannot be read or has no kernel is no entry.
std::vector<BlsEntry> read_bls_entries(const std::string& folder, const Environment& environment);

}  // namespace lifeboat::grub
