// SPDX-License-Identifier: GPL-2.0-or-later
// The settings of systemd-boot that name its default.
#pragma once

#include <string>
#include <vector>

#include "loader/entries/boot_entry.h"

namespace lifeboat {

// A name that a boot loader's settings give as the default.
struct NamedDefault {
  std::string pattern;  // a glob of the ids of entries
  std::string source;   // for messages
};

// Of systemd-boot, the most important first: EFI variables, then loader.conf.
std::vector<NamedDefault> default_patterns(const BootPaths& paths);
// The roots whose loader.conf counts. systemd-boot reads that of the EFI system partition alone, where it
// lies itself, not that of an extended boot loader partition. Where none shows by its folders that it is the
// former: all.
std::vector<std::string> loader_conf_roots(const BootPaths& paths);

}  // namespace lifeboat
