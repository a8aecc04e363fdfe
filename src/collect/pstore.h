// SPDX-License-Identifier: GPL-2.0-or-later
// The crashed kernel's log records that firmware or reserved memory kept (pstore). systemd-pstore may have
// moved them already; both folders are searched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace lifeboat::collect {

struct PstoreRecord {
  std::string path;
  uint64_t time = 0;  // of its last change, seconds since the epoch: when the crashed kernel wrote it
};

// The records below `sources`, the newest first. A missing folder has none.
std::vector<PstoreRecord> pstore_records(std::span<const std::string> sources,
                                         std::vector<std::string>& problems);

// "2 records in pstore without a saved crash, the newest of 2026-11-23 08:42:28 UTC". At least one.
std::string describe(std::span<const PstoreRecord> records);

struct MovedRecords {
  size_t count = 0;
  std::vector<std::string> problems;  // of the records that were not moved
};

// Moves the records below `source` (and its folders) into the folder "pstore" of a crash, which is made when
// there are any. Each is copied and synced before it is removed: the storage of pstore is small and must be
// emptied. One that an interrupted attempt has copied already is only removed; a different one of the same
// name gets another name. A record that cannot be moved stays, and does not prevent the others. Those from
// before `not_before` (seconds since the epoch) are not of this crash, and stay too.
//
// Their time: the kernel gives a file of pstore the time that its back end has kept with the record
// (fs/pstore/inode.c, pstore_mkfile()), by the clock of the crashed kernel, as the crash's time is;
// systemd-pstore copies it, or else it is that of the copy, which is later.
MovedRecords move_pstore(const std::string& source, int crash_folder_fd, uint64_t not_before);

// The same for those that `belongs` accepts.
MovedRecords move_pstore(const std::string& source, int crash_folder_fd,
                         const std::function<bool(const PstoreRecord&)>& belongs);

// False: the back end keeps no time with records of this kind (fs/pstore/ram.c: console-ramoops-0,
// pmsg-ramoops-0), so the file has that of this boot.
bool has_own_time(const PstoreRecord& record);

}  // namespace lifeboat::collect
