// SPDX-License-Identifier: GPL-2.0-or-later
// A file that gets its final name only when it is complete, and a dump only while it is marked whole: at
// every instant a power cut leaves a whole file, or one whose name and mark show that it is not.
#pragma once

#include <string>

#include "src/base/file.h"

namespace lifeboat {

// A file that is being written under a pending name. Mode 0600.
class PendingFile {
 public:
  // Fails with EEXIST when either name is taken: nothing that exists is touched.
  static Result<PendingFile> create(int dir_fd, std::string pending_name, std::string final_name);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& pending_name() const { return pending_name_; }
  // Sync, rename to the final name (never over another file), sync the folder. A dump gets no final name
  // while its header, read back, is marked INCOMPLETE (`lost`). When anything fails, a dump has its pending
  // name, and is marked INCOMPLETE again.
  // `dump`: refused unless its header is marked whole.
  enum class Content { file, dump };
  Result<> publish(Content content = Content::file);
  // For a file that keeps its pending name: syncs its folder entry.
  Result<> sync_folder() const;
  // Removes the unfinished file.
  void discard();

 private:
  PendingFile() = default;
  Result<> rename(const std::string& from, const std::string& to) const;
  int dir_fd_ = -1;  // not owned
  UniqueFd fd_;
  std::string pending_name_, final_name_;
};

}  // namespace lifeboat
