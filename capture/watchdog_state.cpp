// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/watchdog_state.h"

#include "base/file.h"

namespace lifeboat {

bool watchdog_runs(const std::string& folder) {
  return read_line(folder + "/state").value_or("active") == "active";
}

}  // namespace lifeboat
