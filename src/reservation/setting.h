// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat reserve set`: plans the change of the boot loader's files, and applies it.
#pragma once

#include "src/reservation/boot_loader.h"

namespace lifeboat::reservation {

struct SettingRequest {
  std::string root = "/";
  std::optional<BootLoader> boot_loader;  // unset: the one that starts this system
  // Of crashkernel=, several separated by blanks. Empty: remove it from all files that have it.
  std::string value;
  bool force = false;  // even if another tool has set crashkernel=
};

struct Setting {
  std::string root, value;
  std::vector<BootLoader> boot_loaders;  // whose files were read
  std::vector<FileEdit> edits;
  std::vector<ForeignParameter> foreign;  // with `force`: that were ignored or replaced
  // To run afterwards, in this order, also when no file changes but the boot loader's configuration is not up
  // to date; empty: none.
  std::vector<LoaderCommand> commands;
  // What carry_out() does not do, and without which the boot loader does not use the value: shell commands,
  // or sentences. Not empty: nothing is in effect at the next boot until somebody has done it.
  std::vector<std::string> remains;
  std::vector<std::string> notes;
  std::vector<FileEdit> afterwards;  // of our record, once the commands have run

  // All edits as one unified diff.
  [[nodiscard]] std::string diff() const;
};

// `busy` for a foreign crashkernel= without `force`; the error lists the place of each. `unsupported` where
// only Xen is started (xen_boot.h), without `force`.
Result<Setting> plan_setting(const SettingRequest& request);
// Foreign crashkernel= parameters in the files of the installed boot loader; empty also when they cannot be
// read.
std::vector<ForeignParameter> foreign_parameters(const std::string& root);
// The value in lifeboat's own files that the boot loader does not use everywhere: a setting was interrupted,
// or a command remains to be run. Setting it again completes it.
std::optional<std::string> unfinished_value(const std::string& root);
// Changes the files, runs the commands, and verifies the boot loader's configuration; on failure it restores
// the files.
Result<> carry_out(const Setting& setting);

// What lifeboat has set for the next boot, by its own files.
struct NextBoot {
  std::string value;                      // of crashkernel=
  bool complete = false;                  // the boot loader uses it, as far as that can be seen
  std::vector<std::string> remains = {};  // commands that have not run yet
  bool by_record = false;                 // only our record knows whether it is complete
};
// nullopt: nothing is set, or the running kernel (`running_command_line`) was started with it already.
std::optional<NextBoot> next_boot(const std::string& root, std::string_view running_command_line);

}  // namespace lifeboat::reservation
