// SPDX-License-Identifier: GPL-2.0-or-later
// What the firmware or a reserved piece of memory kept of a dying kernel's words (pstore). systemd-pstore may
// have moved it already; both places are looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lifeboat::collect {

struct PstoreRecord {
  std::string path;
  uint64_t time = 0;  // of its last change, seconds since the epoch: when the dying kernel wrote it
};

// Those below `sources` and their folders, the newest first. A folder that is not there holds none.
std::vector<PstoreRecord> pstore_records(std::span<const std::string> sources,
                                         std::vector<std::string>& problems);

// "2 records of pstore that no saved crash has, the newest of 2026-11-23 08:42:28 UTC". At least one.
std::string describe(std::span<const PstoreRecord> records);

struct MovedRecords {
  size_t count = 0;
  std::vector<std::string> problems;  // of those that stay
};

// Moves the records below `source` (and its folders) into the folder "pstore" of a crash, which is made when
// there are any. Each is copied and synced before it is taken away: pstore's store is small and has to be
// emptied. One that is in the crash's folder already, by an attempt that was interrupted, is only taken away;
// another one of its name gets a name of its own. A record that cannot be moved stays, and keeps none of the
// others. Those from before `not_before` (seconds since the epoch) are of something else, and stay, too.
//
// Their time: the kernel gives a file of pstore the time that its back end has kept with the record
// (fs/pstore/inode.c, pstore_mkfile()), by the clock of the kernel that died, which the crash's time is by,
// too; systemd-pstore copies it, or else it is that of the copy, which is later.
MovedRecords move_pstore(const std::string& source, int crash_folder_fd, uint64_t not_before);

}  // namespace lifeboat::collect
