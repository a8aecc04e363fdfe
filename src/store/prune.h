// SPDX-License-Identifier: GPL-2.0-or-later
// Which crashes go when there are too many or the room runs out.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "capture/plan/retention.h"
#include "src/store/crash_list.h"

namespace lifeboat {

struct FileSystemRoom {
  uint64_t total = 0;  // bytes
  uint64_t free = 0;   // for root
};
Result<FileSystemRoom> file_system_room(int folder_fd);

// The index of the crash that is never taken away, whatever needs the room: the newest whole one, else the
// newest. `crashes` as list_crashes() gives them.
size_t kept_for_ever(std::span<const StoredCrash> crashes);

struct Removal {
  std::string name;
  FolderId id;
  uint64_t bytes = 0;
  std::string reason;  // "more than 5 crashes"
};

// From the oldest on, until all of `retention` holds. The newest whole dump stays, whatever comes after it,
// and so does the newest crash, which nobody may have seen yet. So do those in `spared`, by name, whatever
// their time is: the clock of the kernel that died may have been wrong. `crashes` as list_crashes() gives
// them.
std::vector<Removal> plan_prune(std::span<const StoredCrash> crashes, const Retention& retention,
                                const FileSystemRoom& room, const std::set<std::string>& spared = {});

// What goes next when the file system has no room for a new crash: the oldest, and if that gives nothing
// back, those that come after it until one does. The newest whole dump stays, and where there is none the
// newest crash; nothing else is worth more than the new one. Empty: nothing may go.
std::vector<Removal> plan_room(std::span<const StoredCrash> crashes);

}  // namespace lifeboat
