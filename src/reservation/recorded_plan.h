// SPDX-License-Identifier: GPL-2.0-or-later
// The part that is the same for all boot loaders whose settings are in reserve.json: the record is written
// before the files and removed after them, and says what has still to be run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/reservation/boot_loader.h"
#include "src/reservation/reserve_record.h"

namespace lifeboat::reservation {

struct RecordedChange {
  FileEdit record_file;  // record_edit()
  ReserveRecord before;  // its contents
  ReserveRecord after;   // what the editors noted in it
  std::vector<FileEdit> files;
  std::vector<LoaderCommand> commands;
  std::vector<std::string> by_hand;
  // Whether the boot loader uses the value now; nullopt: that cannot be seen, so the record has to know.
  std::optional<bool> agrees;
};

// A change of what the record below `root` has now.
Result<RecordedChange> begin_change(const std::string& root);

// The edits in their order, and what has to be run: nothing when no file changes and an earlier setting is
// complete.
void finish_plan(BootLoader loader, const std::string& value, RecordedChange change, BootLoaderPlan& plan);

// As it is typed.
std::string shell_text(const LoaderCommand& command);

}  // namespace lifeboat::reservation
