// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat reserve set`: plans the change of the boot loader's files, and makes it.
#pragma once

#include "reservation/boot_loader.h"

namespace lifeboat::reservation {

struct SettingRequest {
  std::string root = "/";
  std::optional<BootLoader> boot_loader;  // unset: the one that is there
  std::string value;                      // of crashkernel=; empty: take it away
  bool force = false;                     // also beside or instead of somebody else's
};

struct Setting {
  BootLoader boot_loader = BootLoader::grub;
  std::vector<FileEdit> edits;
  std::vector<ForeignParameter> foreign;  // with `force`: that were passed over or replaced
  std::vector<std::string> command;       // to run afterwards; empty: none
  std::vector<std::string> notes;

  // All edits as one unified diff.
  [[nodiscard]] std::string diff() const;
};

// `busy` for somebody else's crashkernel= without `force`, with where each stands.
Result<Setting> plan_setting(const SettingRequest& request);
// Changes the files and runs the command; when that fails the files are as before.
Result<> carry_out(const Setting& setting);

}  // namespace lifeboat::reservation
