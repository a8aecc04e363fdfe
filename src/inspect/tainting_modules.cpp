// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/tainting_modules.h"

#include "src/inspect/taint.h"

namespace lifeboat::inspect {

Result<std::vector<TaintingModule>> tainting_modules(const Session& session) {
  if (!session.modules()) return std::unexpected(session.modules().error());
  std::vector<TaintingModule> tainting;
  for (const auto& module : session.modules()->modules)
    if (module.taints != 0)
      tainting.push_back({module.name, module.base, module.size, taint_letters(module.taints)});
  return tainting;
}

}  // namespace lifeboat::inspect
