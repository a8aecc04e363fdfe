// SPDX-License-Identifier: GPL-2.0-or-later
// crashkernel= in the boot loader's files: plans which files have to change. Nothing is written here.
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
  systemd_boot,  // the same files, written by kernel-install
};
std::string_view boot_loader_name(BootLoader loader);
Result<BootLoader> parse_boot_loader(std::string_view name);

// All whose files exist below `root`.
std::vector<BootLoader> boot_loaders_at(const std::string& root);
// The only one. `usage` when there are two, `not_found` when there is none.
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

// `value` is what follows "crashkernel=", several parameters separated by blanks; empty: it is removed, and
// what a forced setting replaced is restored.
Result<BootLoaderPlan> plan_grub(const std::string& root, const std::string& value);
// The value that plan_grub() planned last, if it has not been removed.
std::optional<std::string> grub_value(const std::string& root);
// Whether grub.cfg, as grub-mkconfig wrote it last, has the value. nullopt: grub.cfg is missing, or boots no
// kernel itself. With an empty value: whether it has only `foreign` parameters.
std::optional<bool> grub_config_agrees(const std::string& root, const std::string& value,
                                       const std::vector<ForeignParameter>& foreign);
// For bls and systemd_boot: every entry that boots Linux, and /etc/kernel/cmdline, which kernel-install uses
// for new ones.
Result<BootLoaderPlan> plan_entries(const std::string& root, const std::string& value);

}  // namespace lifeboat::reservation
