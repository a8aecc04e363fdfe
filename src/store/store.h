// SPDX-License-Identifier: GPL-2.0-or-later
// Where dumps are kept: one folder a crash, files that appear under their name only when they are whole.
// Works relative to open folders and follows no symbolic link: the store may lie on a file system
// that others can write to.
#pragma once

#include <string>

#include "src/base/file.h"

namespace lifeboat {

// A file being written under a name that says it is not whole. Mode 0600.
class PendingFile {
 public:
  // Fails with EEXIST when either name is taken: nothing that exists is touched.
  static Result<PendingFile> create(int dir_fd, std::string pending_name, std::string final_name);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& pending_name() const { return pending_name_; }
  // Sync, rename to the final name (never over another file), sync the folder. A dump gets no final name
  // while its own header, read back, says INCOMPLETE (`lost`). When anything fails, a dump has its pending
  // name, and is marked INCOMPLETE again.
  // `dump`: refused unless its own header says that it is whole.
  enum class Content { file, dump };
  Result<> publish(Content content = Content::file);
  // Of a file that keeps its pending name: its entry in the folder.
  Result<> sync_folder() const;
  // Takes the unfinished file away.
  void discard();

 private:
  PendingFile() = default;
  Result<> rename(const std::string& from, const std::string& to) const;
  int dir_fd_ = -1;  // not owned
  UniqueFd fd_;
  std::string pending_name_, final_name_;
};

// Opens `path` below `root_fd`, for a crash to be saved there, making folders that are missing (0700). Every
// component must be a real folder; but that of the last one, if that is lifeboat's own by its name
// ("lifeboat"), another file or a link is moved out of the way: somebody may have put it there since the
// machine was armed, and it must not cost the dump.
Result<UniqueFd> open_folder_below(int root_fd, const std::string& path);

// The same of a folder that has to be there: `not_found` when it is not.
Result<UniqueFd> find_folder_below(int root_fd, const std::string& path);

// An open folder of crashes, before a crash is saved there. One that is lifeboat's own by its name
// ("lifeboat", as the default has it) may have been there before us: if it belongs to another user, or others
// can write to it, it is made root's alone. A folder of another name is its owner's business: it is only
// said. Never an error: a dump in a folder that others can enter is better than none, and its own folder
// keeps them out.
void claim_store(int store_fd, const std::string& path);

// Whether a crash's folder can be named by this time (seconds since the epoch): 1970 to 9999, and not 0,
// which is what a clock shows that was never set.
bool can_name_crash_folder(uint64_t time);

// A new folder for a crash at `crash_time` (seconds since the epoch) in `store_fd`:
// 20261123T084228Z-1b4e28ba, the time first, so that names sort by it, then the beginning of the boot's id if
// it is known; -2, -3 ... behind it when that is taken. A time that cannot name a folder is replaced by the
// present one: whatever the dump says, the crash is found again.
struct CrashFolder {
  std::string name;
  UniqueFd fd;
};
Result<CrashFolder> create_crash_folder(int store_fd, uint64_t crash_time, std::string_view boot_id = {});

// Writes a small file whole, synced, with its folder.
Result<> write_small_file(int dir_fd, const std::string& name, std::string_view text);

// NAME becomes `text`, synced: at every instant the older file or the new one is there, whole. The new one is
// NAME.new until then.
Result<> replace_small_file(int dir_fd, const std::string& name, std::string_view text);

// For a small file whose time comes when the disk may be full: NAME holds `until_then`, and NAME.new so many
// blanks, which replace_small_file() overwrites. Then it needs no room that is not there already: neither for
// contents up to `bytes` long, nor for a name.
Result<> reserve_small_file(int dir_fd, const std::string& name, std::string_view until_then, size_t bytes);
// Takes NAME.new away, if it is there: nobody will need it any more.
Result<> drop_reserve(int dir_fd, const std::string& name);

}  // namespace lifeboat
