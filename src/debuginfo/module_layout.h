// SPDX-License-Identifier: GPL-2.0-or-later
// Where the sections of a module's file came to lie in the kernel's memory: each of them is where the
// functions are that it holds. The kernel's own record (module.sect_attrs) is there only with sysfs, and
// changed its form; the symbols say it in every kernel.
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
  // `corrupt`: the file is not that of this module: functions of one section lie in different distances, or
  // none of them is known to both.
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
