// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat reserve set`: plans the change of the boot loader's files, and applies it.
#pragma once

#include "src/reservation/boot_loader.h"

namespace lifeboat::reservation {

struct SettingRequest {
  std::string root = "/";
  std::optional<BootLoader> boot_loader;  // unset: the installed one
  // Of crashkernel=, several separated by blanks. Empty: remove it from all files that have it.
  std::string value;
  bool force = false;  // even if another tool has set crashkernel=
};

struct Setting {
  std::string root, value;
  std::vector<BootLoader> boot_loaders;  // whose files were read
  std::vector<FileEdit> edits;
  std::vector<ForeignParameter> foreign;  // with `force`: that were ignored or replaced
  // To run afterwards, also when no file changes but the boot loader's configuration is not up to date;
  // empty: none.
  std::vector<std::string> command;
  std::vector<std::string> notes;

  // All edits as one unified diff.
  [[nodiscard]] std::string diff() const;
};

// `busy` for a foreign crashkernel= without `force`; the error lists the place of each. `unsupported` where
// only Xen is started (xen_boot.h), without `force`.
Result<Setting> plan_setting(const SettingRequest& request);
// Foreign crashkernel= parameters in the files of the installed boot loader; empty also when they cannot be
// read.
std::vector<ForeignParameter> foreign_parameters(const std::string& root);
// The value in lifeboat's own files that the boot loader does not use everywhere: a setting was interrupted.
// Setting it again completes it.
std::optional<std::string> unfinished_value(const std::string& root);
// Changes the files, runs the command, and verifies the boot loader's configuration; on failure it restores
// the files.
Result<> carry_out(const Setting& setting);

}  // namespace lifeboat::reservation
