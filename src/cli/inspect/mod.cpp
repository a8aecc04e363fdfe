// SPDX-License-Identifier: GPL-2.0-or-later
#include <iostream>
#include <nlohmann/json.hpp>

#include "src/base/log.h"
#include "src/cli/inspect/view.h"
#include "src/inspect/taint.h"

namespace lifeboat::cli {
Result<int> view_mod(const View& view) {
  TRY_VOID(view.expect_arguments("mod", 0, 0));
  if (!view.session.modules()) return std::unexpected(view.session.modules().error());
  const ModuleList& list = *view.session.modules();
  if (!list.damage.empty()) log::warning("{}", one_line(list.damage));
  if (view.json()) {
    nlohmann::ordered_json modules = nlohmann::ordered_json::array();
    for (const auto& module : list.modules) {
      modules.push_back({{"name", module.name},
                         {"base", inspect::format_address(module.base)},
                         {"size", module.size},
                         {"state", module_state_name(module.state)},
                         {"taints", inspect::taint_letters(module.taints)}});
    }
    view.print(modules);
    return kDone;
  }
  fmt::print("{}\n",
             view.style.heading(fmt::format("{:<18} {:>9} {:<8} {}", "BASE", "SIZE", "STATE", "NAME")));
  for (const auto& module : list.modules) {
    const std::string taints = inspect::taint_letters(module.taints);
    fmt::print("{:#018x} {:>9} {:<8} {}{}\n", module.base, module.size, module_state_name(module.state),
               one_line(module.name), taints.empty() ? "" : fmt::format(" ({})", taints));
  }
  return kDone;
}

}  // namespace lifeboat::cli
