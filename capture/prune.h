// SPDX-License-Identifier: GPL-2.0-or-later
// Which crashes go when there are too many or the room runs out.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "capture/crash_list.h"
#include "capture/retention.h"

namespace lifeboat {

struct FileSystemRoom {
  uint64_t total = 0;  // bytes
  uint64_t free = 0;   // for root
};
Result<FileSystemRoom> file_system_room(int folder_fd);

struct Removal {
  std::string name;
  uint64_t bytes = 0;
  std::string reason;  // "more than 5 crashes"
};

// From the oldest on, until all of `retention` holds and `needed` bytes are free besides. The newest whole
// dump stays, and where there is none the newest crash: what is thrown away last is what somebody still
// needs. `crashes` as list_crashes() gives them.
std::vector<Removal> plan_prune(std::span<const StoredCrash> crashes, const Retention& retention,
                                const FileSystemRoom& room, uint64_t needed = 0);

// Carries it out; goes on after one that fails, and returns the first error.
Result<> prune(int store_fd, std::span<const Removal> removals);

}  // namespace lifeboat
