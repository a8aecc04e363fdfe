// SPDX-License-Identifier: GPL-2.0-or-later
// The crashes in a store. A folder belongs to lifeboat when its name says so (store.h) and it is root's, or
// the caller's; anything else in there is somebody else's and is never touched. Everything relative to open
// folders, no symbolic link followed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "capture/crash_record.h"

namespace lifeboat {

struct StoredCrash {
  std::string name;                              // of its folder
  uint64_t crash_time = 0;                       // seconds since the epoch, by the folder's name
  CrashOutcome outcome = CrashOutcome::nothing;  // by the files that are there
  uint64_t bytes = 0;                            // on disk, of all its files
  bool has_report = false;
  std::optional<CrashRecord> record;  // nullopt: there is none, or it cannot be read

  [[nodiscard]] DumpOutcome dump() const { return dump_outcome(outcome, record.value_or(CrashRecord{})); }
};

// The newest first. Folders that cannot be read, or are somebody else's, are passed over and told in
// `problems`.
Result<std::vector<StoredCrash>> list_crashes(int store_fd, std::vector<std::string>* problems = nullptr);

// "20261123T084228Z" or "20261123T084228Z-3" (the third in that second): the time; nullopt for other names.
std::optional<uint64_t> crash_folder_time(std::string_view name);

// By the files that are there: a record may be older than they are, or missing. A dump of the final name
// whose header says INCOMPLETE is incomplete.
CrashOutcome outcome_in(int crash_folder_fd);
// The name of the dump's file by that.
const char* dump_file_name(CrashOutcome outcome);

// manifest.json of an open folder; nullopt: there is none of use.
std::optional<CrashRecord> read_crash_record(int crash_folder_fd);
// Puts it in the place of the one that is there, so that at every instant one of them is whole.
Result<> replace_crash_record(int crash_folder_fd, const CrashRecord& record);

// Takes a crash's folder and all that is in it away. Refuses names that are not of a crash.
Result<> remove_crash(int store_fd, const std::string& name);

}  // namespace lifeboat
