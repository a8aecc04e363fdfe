// SPDX-License-Identifier: GPL-2.0-or-later
// Which crashes to remove when there are too many or the disk space runs out.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "capture/plan/retention.h"
#include "src/store/crash_list.h"

namespace lifeboat {

struct FileSystemSpace {
  uint64_t total = 0;  // bytes
  uint64_t free = 0;   // for root
};
Result<FileSystemSpace> file_system_space(int folder_fd);

// The indexes of the crashes that are never removed, whatever needs the space: the newest complete one
// (StoredCrash::complete()), and the newest whole dump, which may be an older one; without both the newest
// crash. `crashes` as list_crashes() gives them.
std::set<size_t> never_removed(std::span<const StoredCrash> crashes);

struct Removal {
  std::string name;
  FolderId id;
  uint64_t bytes = 0;
  std::string reason;  // "more than 5 crashes"
};

// Plans removals from the oldest on, until all limits of `retention` are met. What never_removed() names is
// kept, and so is the newest crash, which may not have been read yet. So are those in `spared`, by name,
// whatever their time is: the clock of the crashed kernel may have been wrong. `crashes` as list_crashes()
// gives them. The next dump, for `min_free = dump`, is expected to be as large as the largest whole one, or
// as what `retention` says of it.
std::vector<Removal> plan_prune(std::span<const StoredCrash> crashes, Retention retention,
                                const FileSystemSpace& space, const std::set<std::string>& spared = {});

// What to remove next when the file system has no space for a new crash: the oldest, and if that frees
// nothing, the next ones until one does. What never_removed() names is kept; the new crash has priority over
// all others. Empty: nothing may be removed.
std::vector<Removal> plan_removal_for_space(std::span<const StoredCrash> crashes);

}  // namespace lifeboat
