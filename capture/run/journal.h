// SPDX-License-Identifier: GPL-2.0-or-later
// What becomes manifest.json, noted in memory while the crash is saved: the child that saves may be killed at
// any moment, and whoever comes after it must know how far it came.
#pragma once

#include <optional>
#include <string>

#include "src/base/error.h"
#include "src/base/file.h"
#include "src/store/crash_record.h"

namespace lifeboat::capture {

// One crash in one folder. Lies in two files below `run`.
class Journal {
 public:
  explicit Journal(std::string run = "/run");

  // For a system where another capture may run: the journal is this process's until it and its children have
  // ended, and empty. `busy`: it is another process's; that one is named. What one that was killed has left
  // in it is logged and forgotten.
  Result<> claim();
  // The saving has begun: `folder` is where this crash goes, as an absolute path.
  Result<> begin(const std::string& folder, const CrashRecord& record);
  // Changes what is noted; a failure to do so is not worth an error.
  void note(const CrashRecord& record) const;
  // nullopt: nothing has been begun.
  [[nodiscard]] std::optional<std::string> folder() const;
  [[nodiscard]] CrashRecord record() const;
  // For the next target.
  void forget() const;

 private:
  std::string run_, folder_path_, record_path_;
  UniqueFd lock_;
};

// Into a crash's new folder: manifest.json and capture.log as they are to be found if the machine ends before
// they are closed, and the room that closing them takes. What fails is logged.
void reserve_record(int folder_fd, const CrashRecord& record);

// manifest.json into the folder: the record, the outcome by the files that are there, the report's words. And
// `log_file`, if it is not empty, beside it as capture.log; when there is no room for all of it, its end.
// `problem`: why the saving ended before its end. Neither file waits for the other to succeed; the first
// error is returned.
Result<> close_journal(const Journal& journal, const std::string& problem, const std::string& log_file);

}  // namespace lifeboat::capture
