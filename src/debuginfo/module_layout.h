// SPDX-License-Identifier: GPL-2.0-or-later
// Where the sections of a module's file are in the kernel's memory: found by the functions in each section.
// The kernel's own record (module.sect_attrs) exists only with sysfs, and its format changed; the symbols are
// there in every kernel.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/debuginfo/debug_file.h"

namespace lifeboat {

// Of the kernel's symbols of the module.
struct LoadedFunction {
  std::string name;
  uint64_t address = 0;
};

class ModuleLayout {
 public:
  // `corrupt`: the file is not that of this module: functions of one section have different distances, or the
  // file and the kernel have no function in common.
  static Result<ModuleLayout> find(const DebugFile& file, const std::vector<LoadedFunction>& loaded);
  // The address in the file's own layout of one in the kernel's memory.
  [[nodiscard]] std::optional<uint64_t> to_file(uint64_t address) const;

 private:
  struct Piece {
    uint64_t start = 0, end = 0;  // in the kernel's memory
    uint64_t distance = 0;        // from the file's layout to there, modulo 2^64
  };
  std::vector<Piece> pieces_;
};

}  // namespace lifeboat
