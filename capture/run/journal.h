// SPDX-License-Identifier: GPL-2.0-or-later
// The contents of the future manifest.json, kept in memory while the crash is saved: the child that saves may
// be killed at any moment, and the next process must know how far it came.
#pragma once

#include <optional>
#include <string>

#include "src/base/error.h"
#include "src/base/file.h"
#include "src/store/crash_record.h"

namespace lifeboat::capture {

// One crash in one folder. Stored in two files below `run`.
class Journal {
 public:
  explicit Journal(std::string run = "/run");

  // For a system where another capture may run: locks the journal for this process until it and its children
  // have ended, and empties it. `busy`: another process, which is named, holds the lock. An entry of a
  // capture that was killed is logged and removed.
  Result<> claim();
  // Saving has begun: `folder` is where this crash goes, as an absolute path.
  Result<> begin(const std::string& folder, const CrashRecord& record);
  // Changes what is noted; a failure is only logged.
  void note(const CrashRecord& record) const;
  // nullopt: saving has not begun.
  [[nodiscard]] std::optional<std::string> folder() const;
  [[nodiscard]] CrashRecord record() const;
  // For the next target.
  void forget() const;

 private:
  std::string run_, folder_path_, record_path_;
  UniqueFd lock_;
};

// Into a crash's new folder: manifest.json and capture.log as they must be if the machine stops before they
// are closed, and the disk space that closing them takes. Failures are logged.
void reserve_record(int folder_fd, const CrashRecord& record);

// Writes manifest.json into the folder: the record, the outcome by the files that are there, the report's
// summary. And `log_file`, if it is not empty, beside it as capture.log; when there is not enough space, only
// its end. `problem`: why saving was stopped. Both files are tried, also when one fails; the first error is
// returned.
Result<> close_journal(const Journal& journal, const std::string& problem, const std::string& log_file);

}  // namespace lifeboat::capture
