// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/watchdog_state.h"

#include "src/base/file.h"

namespace lifeboat {

bool watchdog_runs(const std::string& folder) {
  return read_line(folder + "/state").value_or("active") == "active";
}

}  // namespace lifeboat
