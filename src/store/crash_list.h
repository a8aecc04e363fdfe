// SPDX-License-Identifier: GPL-2.0-or-later
// The crashes in a store. A folder belongs to lifeboat when its name says so (store.h) and it is root's, or
// the caller's; anything else in there is somebody else's and is never touched. Everything relative to open
// folders, no symbolic link followed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/base/file.h"
#include "src/store/crash_record.h"

namespace lifeboat {

// A folder, whatever it is called at the moment.
struct FolderId {
  uint64_t device = 0, inode = 0;
  bool operator==(const FolderId&) const = default;
};

struct StoredCrash {
  std::string name;  // of its folder
  FolderId id = {};
  uint64_t crash_time = 0;                       // seconds since the epoch, by the folder's name
  CrashOutcome outcome = CrashOutcome::nothing;  // by the files that are there
  std::string dump_file = {};                    // the dump's name in the folder; empty: there is none
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

// The folder of a crash, for all that is done with it: it is root's or the caller's, and it is `id`, where
// one is given. In a store that others may write to, names can lead elsewhere from one moment to the next, so
// a folder is opened once, looked at when it is open, and used by its descriptor alone. `no_permission`: it
// is somebody else's; `busy`: another folder has taken its place.
Result<UniqueFd> open_crash_folder(int store_fd, const std::string& name,
                                   const std::optional<FolderId>& id = {});

// By the files that are there: a record may be older than they are, or missing. A dump of the final name
// whose header says INCOMPLETE is incomplete.
CrashOutcome outcome_in(int crash_folder_fd);
// The name of the dump's file, whatever state it is in; empty: there is none.
const char* dump_file_in(int crash_folder_fd);

// manifest.json of an open folder; nullopt: there is none of use.
std::optional<CrashRecord> read_crash_record(int crash_folder_fd);
// Puts it in the place of the one that is there, so that at every instant one of them is whole.
Result<> replace_crash_record(int crash_folder_fd, const CrashRecord& record);

// Removes a crash's folder and all that is in it, the dump first: where that is cut off, what is left is not
// taken for a whole crash. Nothing at all is removed, and the reason named, where not all can be: the name is
// not of a crash, the folder is somebody else's or not `id`; something is mounted in it, is immutable, or
// lies deeper than anything of ours.
Result<> remove_crash(int store_fd, const std::string& name, const std::optional<FolderId>& id = {});

}  // namespace lifeboat
