// SPDX-License-Identifier: GPL-2.0-or-later
// The loaded modules that taint the kernel.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/inspect/session.h"

namespace lifeboat::inspect {

struct TaintingModule {
  std::string name;
  uint64_t base = 0, size = 0;
  std::string taints;  // letters: O from outside the tree, P proprietary, E not signed, ...
};

// The modules that taint the kernel.
Result<std::vector<TaintingModule>> tainting_modules(const Session& session);

}  // namespace lifeboat::inspect
