// SPDX-License-Identifier: GPL-2.0-or-later
// The crashes in a store. A folder belongs to lifeboat when it has a crash folder's name (store.h) and is
// owned by root or the caller; nothing else is ever changed. Everything is relative to open folders, and no
// symbolic link is followed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/base/file.h"
#include "src/store/crash_record.h"

namespace lifeboat {

// Identifies a folder independently of its name.
struct FolderId {
  uint64_t device = 0, inode = 0;
  bool operator==(const FolderId&) const = default;
};

struct StoredCrash {
  std::string name;  // of its folder
  FolderId id = {};
  uint64_t crash_time = 0;                       // seconds since the epoch, by the folder's name
  CrashOutcome outcome = CrashOutcome::nothing;  // by the files in the folder
  std::string dump_file = {};                    // the dump's name in the folder; empty: there is none
  uint64_t bytes = 0;                            // on disk, of all its files
  bool has_report = false;
  std::optional<CrashRecord> record;  // nullopt: there is none, or it cannot be read

  [[nodiscard]] DumpOutcome dump() const { return dump_outcome(outcome, record.value_or(CrashRecord{})); }
  // Nothing is missing: the dump is whole, or none was to be saved.
  [[nodiscard]] bool complete() const {
    return outcome == CrashOutcome::whole || log_only_as_configured(outcome, record.value_or(CrashRecord{}));
  }
};

// The newest first. Folders that cannot be read, or belong to another user, are skipped and reported in
// `problems`.
Result<std::vector<StoredCrash>> list_crashes(int store_fd, std::vector<std::string>* problems = nullptr);

// "20261123T084228Z" or "20261123T084228Z-3" (the third in that second): the time; nullopt for other names.
std::optional<uint64_t> crash_folder_time(std::string_view name);

// Opens the folder of a crash: it belongs to root or the caller, and it is `id`, if one is given. In a store
// that others may write to, a name can point to another folder at any time, so a folder is opened once,
// checked when it is open, and used by its descriptor alone. `no_permission`: it belongs to another user;
// `busy`: another folder has replaced it.
Result<UniqueFd> open_crash_folder(int store_fd, const std::string& name,
                                   const std::optional<FolderId>& id = {});

// By the files in the folder: the record may be older than they are, or missing. A dump with the final name
// whose header is marked INCOMPLETE is incomplete.
CrashOutcome outcome_in(int crash_folder_fd);
// The name of the dump's file, whole or not; empty: there is none.
const char* dump_file_in(int crash_folder_fd);

// manifest.json of an open folder; nullopt: it is missing or cannot be read.
std::optional<CrashRecord> read_crash_record(int crash_folder_fd);
// Replaces manifest.json so that at every instant the old or the new one is complete.
Result<> replace_crash_record(int crash_folder_fd, const CrashRecord& record);

// Removes a crash's folder and its contents, the dump first: after an interruption the rest is not mistaken
// for a whole crash. If not everything can be removed, nothing is, and the error gives the reason: the name
// is not a crash's, the folder belongs to another user or is not `id`; something is mounted in it, is
// immutable, or is nested deeper than lifeboat's own folders.
Result<> remove_crash(int store_fd, const std::string& name, const std::optional<FolderId>& id = {});

}  // namespace lifeboat
