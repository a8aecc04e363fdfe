// SPDX-License-Identifier: GPL-2.0-or-later
// Boot loaders whose command line is in one file or a few: which files, in which form, and the program that
// takes a change over.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/reservation/boot_loader.h"
#include "src/reservation/command_line_text.h"

namespace lifeboat::reservation {

struct LoaderFile {
  std::string path;  // relative to the root
  CommandLineForm form = CommandLineForm::whole_file;
  std::string name = {};     // of the variable (shell_variable)
  bool one_line = false;     // only the first line is read at boot
  bool may_be_made = false;  // a drop-in folder: the file is lifeboat's own
};

struct LoaderFiles {
  std::vector<LoaderFile> files;        // of which one at least must exist
  LoaderCommand command = {};           // empty: the boot loader reads the files themselves
  std::vector<LoaderFile> made = {};    // files that the command makes; they show whether it has run
  std::string by_hand = {};             // what to do when there is no command
  std::vector<LoaderFile> unused = {};  // the boot loader may have used them earlier: removals only
  std::optional<Error> refused = {};    // it is installed, and its files are not known: nothing is set
};

// The files of `loader` that exist below `root`; no file and not `refused`: it is not installed.
LoaderFiles loader_files(BootLoader loader, const std::string& root);
bool has_files_of(BootLoader loader, const std::string& root);

// Whether the made files have all parameters of `value`; nullopt: there is none, or none that can be read.
std::optional<bool> made_files_agree(const LoaderFiles& files, const std::string& root,
                                     const std::string& value);

}  // namespace lifeboat::reservation
