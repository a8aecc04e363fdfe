// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/init/journal.h"

#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/size.h"
#include "capture/crash_list.h"
#include "capture/init/memory_watch.h"
#include "capture/manifest.h"
#include "capture/store.h"

namespace lifeboat::init {
namespace {

constexpr uint64_t kMostReportBytes = 16_MiB;

// What `lifeboat list` shows of a report.
void take_report_of(int folder_fd, CrashRecord& record) {
  if (const auto text = read_text_at(folder_fd, kReportJsonFile, kMostReportBytes))
    take_report(record, *text);
}

}  // namespace

Journal::Journal(std::string run)
    : folder_path_(run + "/crash-folder"), record_path_(std::move(run) + "/crash-record") {}

Result<> Journal::begin(const std::string& folder, const CrashRecord& record) {
  note(record);
  return write_file_atomically(folder_path_, as_byte_span(folder), 0600);
}

void Journal::note(const CrashRecord& record) const {
  const std::string text = to_json_text(record);
  [[maybe_unused]] const auto ignored = write_file_atomically(record_path_, as_byte_span(text), 0600);
}

std::optional<std::string> Journal::folder() const {
  return read_line(folder_path_);
}

CrashRecord Journal::record() const {
  const auto text = read_text(record_path_);
  auto record = text ? parse_crash_record(*text) : Result<CrashRecord>(CrashRecord{});
  return record.value_or(CrashRecord{});
}

void Journal::forget() const {
  ::unlink(folder_path_.c_str());
  ::unlink(record_path_.c_str());
}

Result<> close_journal(const Journal& journal, const std::string& problem, const std::string& log_file) {
  const auto path = journal.folder();
  if (!path) return {};
  const UniqueFd folder = TRY(open_file(*path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  CrashRecord record = journal.record();
  record.outcome = outcome_in(folder.get());
  if (!problem.empty()) record.problems.push_back(problem);
  if (const auto use = memory_use()) {
    record.memory_reserved_kib = use->reserved_kib;
    record.memory_total_kib = use->total_kib;
    record.memory_lowest_kib = use->lowest_kib;
  }
  take_report_of(folder.get(), record);
  TRY_VOID(replace_crash_record(folder.get(), record));
  if (log_file.empty()) return {};
  return write_small_file(folder.get(), kCaptureLogFile, TRY(read_text(log_file, 16_MiB)));
}

}  // namespace lifeboat::init
