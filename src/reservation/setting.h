// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat reserve set`: plans the change of the boot loader's files, and makes it.
#pragma once

#include "src/reservation/boot_loader.h"

namespace lifeboat::reservation {

struct SettingRequest {
  std::string root = "/";
  std::optional<BootLoader> boot_loader;  // unset: the one that is there
  // Of crashkernel=, several with blanks between. Empty: take it away, wherever it was put.
  std::string value;
  bool force = false;  // also beside or instead of somebody else's
};

struct Setting {
  std::string root, value;
  std::vector<BootLoader> boot_loaders;  // whose files were looked at
  std::vector<FileEdit> edits;
  std::vector<ForeignParameter> foreign;  // with `force`: that were passed over or replaced
  // To run afterwards, also where no file changes but the boot loader does not know yet; empty: none.
  std::vector<std::string> command;
  std::vector<std::string> notes;

  // All edits as one unified diff.
  [[nodiscard]] std::string diff() const;
};

// `busy` for somebody else's crashkernel= without `force`, with where each stands.
Result<Setting> plan_setting(const SettingRequest& request);
// Somebody else's crashkernel= in the files of the boot loader that is there; empty also when they cannot be
// read.
std::vector<ForeignParameter> foreign_parameters(const std::string& root);
// What lifeboat's own files say is set, while the boot loader does not know of it everywhere: a setting was
// cut short. To set it again brings it about.
std::optional<std::string> unfinished_value(const std::string& root);
// Changes the files, runs the command, and looks whether the boot loader knows then; else the files are as
// before.
Result<> carry_out(const Setting& setting);

}  // namespace lifeboat::reservation
