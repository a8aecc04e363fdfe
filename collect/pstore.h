// SPDX-License-Identifier: GPL-2.0-or-later
// What the firmware or a reserved piece of memory kept of a dying kernel's words (pstore). systemd-pstore may
// have moved it already; both places are looked at.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace lifeboat::collect {

struct MovedRecords {
  size_t count = 0;
  std::vector<std::string> problems;  // of those that stay
};

// Moves the records below `source` (and its folders) into the folder "pstore" of a crash, which is made when
// there are any. Each is copied and synced before it is taken away: pstore's store is small and has to be
// emptied. One that is in the crash's folder already, by an attempt that was interrupted, is only taken away;
// another one of its name gets a name of its own. A record that cannot be moved stays, and keeps none of the
// others.
MovedRecords move_pstore(const std::string& source, int crash_folder_fd);

}  // namespace lifeboat::collect
