// SPDX-License-Identifier: GPL-2.0-or-later
// What the firmware or a reserved piece of memory kept of a dying kernel's words (pstore). systemd-pstore may
// have moved it already; both places are looked at.
#pragma once

#include <cstddef>
#include <string>

#include "base/error.h"

namespace lifeboat::collect {

// Moves the records below `source` (and its folders) into the folder "pstore" of a crash, which is made when
// there are any. Each is copied and synced before it is taken away: pstore's store is small and has to be
// emptied. Returns how many. A record that cannot be moved stays, and is the error.
Result<size_t> move_pstore(const std::string& source, int crash_folder_fd);

}  // namespace lifeboat::collect
