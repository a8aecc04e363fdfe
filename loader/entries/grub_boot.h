// SPDX-License-Identifier: GPL-2.0-or-later
// The entry that GRUB boots by its configuration, without that any key is pressed.
#pragma once

#include <string>
#include <vector>

#include "loader/entries/boot_entry.h"

namespace lifeboat::grub {

// The files by which GRUB may boot this machine: ROOT/grub2/grub.cfg, ROOT/grub/grub.cfg, else
// ROOT/EFI/*/grub.cfg. Empty: there is none.
struct Configuration {
  std::string file;
  std::string root;         // of BootPaths::roots
  bool is_missing = false;  // there is an environment block instead, beside entries that GRUB would show
};
std::vector<Configuration> find_configurations(const BootPaths& paths);
// ROOT/grub2/grubenv or ROOT/grub/grubenv where there is no grub.cfg but ROOT/loader/entries: what Fedora's
// grub.cfg would do is assumed.
std::vector<Configuration> find_environments(const BootPaths& paths);

// With several files all must lead to the same kernel; one without a menu, a leftover, is passed over
// with a note where another leads to a kernel. Errors name file and line: `unsupported` and
// `corrupt` for what is not understood, `corrupt` also when GRUB would boot nothing.
Result<BootEntry> default_entry(const BootPaths& paths, const std::vector<Configuration>& configurations);

}  // namespace lifeboat::grub
