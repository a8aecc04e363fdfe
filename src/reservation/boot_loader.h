// SPDX-License-Identifier: GPL-2.0-or-later
// Telling the boot loader of crashkernel=: what would have to change in which file. Nothing is written here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"
#include "src/reservation/file_edit.h"

namespace lifeboat::reservation {

enum class BootLoader {
  grub,          // /etc/default/grub.d and grub-mkconfig
  bls,           // GRUB or another that boots by loader/entries/*.conf
  systemd_boot,  // the same files; kernel-install makes them
};
std::string_view boot_loader_name(BootLoader loader);
Result<BootLoader> parse_boot_loader(std::string_view name);

// All whose files are there below `root`.
std::vector<BootLoader> boot_loaders_at(const std::string& root);
// The one. `usage` when there are two, `not_found` when there is none.
Result<BootLoader> find_boot_loader(const std::string& root);

// A crashkernel= that lifeboat did not write.
struct ForeignParameter {
  std::string where;      // "/etc/default/grub:9"
  std::string parameter;  // "crashkernel=192M"
};

struct BootLoaderPlan {
  std::vector<FileEdit> edits;
  std::vector<ForeignParameter> foreign;
  std::vector<std::string> notes;
};

// `value` is what follows "crashkernel=", of several parameters with blanks between; empty: it is taken away,
// and what a forced setting replaced comes back.
Result<BootLoaderPlan> plan_grub(const std::string& root, const std::string& value);
// What plan_grub() had written last, if it has not been taken away.
std::optional<std::string> grub_value(const std::string& root);
// Does the file that GRUB boots by, as grub-mkconfig made it last, say so too? nullopt: it is not there, or
// boots nothing itself. Without a value: it has no parameter but `foreign` ones.
std::optional<bool> grub_config_agrees(const std::string& root, const std::string& value,
                                       const std::vector<ForeignParameter>& foreign);
// For bls and systemd_boot: every entry that boots Linux, and /etc/kernel/cmdline, by which kernel-install
// makes new ones.
Result<BootLoaderPlan> plan_entries(const std::string& root, const std::string& value);

}  // namespace lifeboat::reservation
