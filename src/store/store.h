// SPDX-License-Identifier: GPL-2.0-or-later
// The store of dumps: one folder per crash; a file gets its final name only when it is complete
// (src/dump/pending_file.h). Works relative to open folders and follows no symbolic link: other users may be
// able to write to the file system of the store.
#pragma once

#include <string>

#include "src/base/file.h"

namespace lifeboat {

// Opens `path` below `root_fd`, for a crash to be saved there, making folders that are missing (0700). Every
// component must be a real folder. If the last one is named "lifeboat", a file or a link of that name is
// renamed: it may have been created since the capture kernel was loaded, and must not prevent the dump.
Result<UniqueFd> open_folder_below(int root_fd, const std::string& path);

// The same for a folder that must exist: `not_found` when it does not.
Result<UniqueFd> find_folder_below(int root_fd, const std::string& path);

// Checks an open store before a crash is saved there. A store named "lifeboat" (the default) may have been
// created by another user: if it belongs to one, or others can write to it, it is changed to root and mode
// 0700. For a folder of another name there is only a warning. Never an error: a dump in a folder that others
// can enter is better than none, and the crash's own folder is protected.
void claim_store(int store_fd, const std::string& path);

// Whether a crash's folder can be named by this time (seconds since the epoch): 1970 to 9999, and not 0,
// the time of a clock that was never set.
bool can_name_crash_folder(uint64_t time);

// A new folder for a crash at `crash_time` (seconds since the epoch) in `store_fd`:
// 20261123T084228Z-1b4e28ba, the time first, so that names sort by it, then the beginning of the boot's id if
// it is known; -2, -3 ... is appended when that name exists. A time that cannot name a folder is replaced by
// the current time, so that list_crashes() finds the crash.
struct CrashFolder {
  std::string name;
  UniqueFd fd;
};
Result<CrashFolder> create_crash_folder(int store_fd, uint64_t crash_time, std::string_view boot_id = {});

// Writes a small file whole, synced, with its folder.
Result<> write_small_file(int dir_fd, const std::string& name, std::string_view text);

// Replaces NAME by `text`, synced: at every instant the old or the new file is there, complete. The new one
// is NAME.new until then.
Result<> replace_small_file(int dir_fd, const std::string& name, std::string_view text);

// For a small file that is written when the disk may be full: NAME holds `until_then`, and NAME.new `bytes`
// blanks, which replace_small_file() overwrites. It then needs no new disk space: neither for contents up to
// `bytes` long, nor for the name.
Result<> reserve_small_file(int dir_fd, const std::string& name, std::string_view until_then, size_t bytes);
// Removes NAME.new, if it exists, when it is no longer needed.
Result<> drop_reserve(int dir_fd, const std::string& name);

}  // namespace lifeboat
