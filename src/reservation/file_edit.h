// SPDX-License-Identifier: GPL-2.0-or-later
// Changes to files that are planned first, so that they can be shown, made all together, and taken back.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/base/error.h"

namespace lifeboat::reservation {

struct FileEdit {
  std::string path;
  std::optional<std::string> before;  // nullopt: it is not there
  std::optional<std::string> after;   // nullopt: it goes
  bool own_record = false;            // only lifeboat reads it: not worth showing

  [[nodiscard]] bool changes() const { return before != after; }
};

// The text of a file, nullopt when it is not there.
Result<std::optional<std::string>> read_if_there(const std::string& path);

// Makes all of them or, when one fails, none (where that fails as well the error says so): each whole, with
// owner and mode kept. `busy` when a file is no longer as it was when the edits were planned.
Result<> make_edits(std::span<const FileEdit> edits);
// Takes them back.
Result<> undo_edits(std::span<const FileEdit> edits);

}  // namespace lifeboat::reservation
