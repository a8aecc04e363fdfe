// SPDX-License-Identifier: GPL-2.0-or-later
// Changes to files that are planned first, so that they can be shown, applied together, and undone.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/base/error.h"

namespace lifeboat::reservation {

struct FileEdit {
  std::string path;
  std::optional<std::string> before;  // nullopt: the file does not exist
  std::optional<std::string> after;   // nullopt: the file is removed
  bool own_record = false;            // only lifeboat reads it: not shown in a diff

  [[nodiscard]] bool changes() const { return before != after; }
};

// The text of a file; nullopt when it does not exist.
Result<std::optional<std::string>> read_if_there(const std::string& path);

// Applies all of them or, when one fails, none (if undoing fails too, the error includes that). Each file is
// replaced atomically, with its owner and mode. `busy` when a file is no longer as it was when the edits were
// planned.
Result<> make_edits(std::span<const FileEdit> edits);
// Restores the files.
Result<> undo_edits(std::span<const FileEdit> edits);

}  // namespace lifeboat::reservation
