// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/journal.h"

#include "capture/plan/capture_plan.h"
#include "capture/run/memory_watch.h"
#include "src/base/file.h"
#include "src/base/folders.h"
#include "src/base/lock_file.h"
#include "src/base/log.h"
#include "src/base/size.h"
#include "src/store/crash_list.h"
#include "src/store/store.h"

namespace lifeboat::capture {
namespace {

constexpr uint64_t kMaxReportBytes = 16_MiB;

// What `lifeboat list` shows of a report.
void take_report_of(int folder_fd, CrashRecord& record) {
  if (const auto text = read_text_at(folder_fd, kReportJsonFile, kMaxReportBytes)) take_report(record, *text);
}

// A record is 1 KiB and a few lines for problems; the log, a line for every five seconds of work.
constexpr size_t kRecordRoom = 16_KiB;
constexpr size_t kLogRoom = 64_KiB;
constexpr std::string_view kCutOff =
    "saving the crash was cut off: the machine lost power, or was restarted meanwhile";

Result<> save_record(int folder_fd, CrashRecord record, const std::string& problem) {
  record.outcome = outcome_in(folder_fd);
  record.dump = dump_outcome(record.outcome, record);
  if (!problem.empty()) record.problems.push_back(problem);
  if (const auto use = memory_use()) {
    record.memory_reserved_kib = use->reserved_kib;
    record.memory_total_kib = use->total_kib;
    record.memory_lowest_kib = use->lowest_kib;
  }
  take_report_of(folder_fd, record);
  return replace_crash_record(folder_fd, record);
}

Result<> save_run_log(int folder_fd, const std::string& log_file) {
  const std::string text = TRY(read_text(log_file, 16_MiB));
  auto saved = replace_small_file(folder_fd, kCaptureLogFile, text);
  if (saved || saved.error().code != ErrorCode::no_space || text.size() <= kLogRoom) return saved;
  // The end is the most useful part.
  const std::string_view end = std::string_view(text).substr(text.size() - kLogRoom);
  return replace_small_file(folder_fd, kCaptureLogFile, end.substr(end.find('\n') + 1));
}

}  // namespace

Journal::Journal(std::string run)
    : run_(std::move(run)), folder_path_(run_ + "/crash-folder"), record_path_(run_ + "/crash-record") {}

Result<> Journal::claim() {
  const UniqueFd run = TRY(open_file(run_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  lock_ = TRY(lock_file(run.get(), "capture.lock", "saving a crash", std::chrono::milliseconds(0)));
  // The process that wrote this holds no lock: it has ended.
  if (const auto left = folder()) log::warning("an earlier capture was cut off: its files are in {}", *left);
  forget();
  return {};
}

Result<> Journal::begin(const std::string& folder, const CrashRecord& record) {
  note(record);
  return write_file_atomically(folder_path_, as_byte_span(folder), 0600);
}

void Journal::note(const CrashRecord& record) const {
  const std::string text = to_json_text(record);
  const auto written = write_file_atomically(record_path_, as_byte_span(text), 0600);
  if (!written) log::warning("cannot update the record of this capture: {}", written.error().reason());
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
  for (const auto& path : {folder_path_, record_path_}) {
    if (const auto removed = remove_file(path); !removed) log::warning("{}", removed.error().to_string());
  }
}

void reserve_record(int folder_fd, const CrashRecord& record) {
  CrashRecord cut_off = record;
  cut_off.problems.emplace_back(kCutOff);
  const auto note = [](const Result<>& reserved) {
    if (!reserved) log::warning("cannot reserve disk space: {}", reserved.error().to_string());
  };
  note(reserve_small_file(folder_fd, kCrashRecordFile, to_json_text(cut_off), kRecordRoom));
  note(reserve_small_file(folder_fd, kCaptureLogFile, fmt::format("{}\n", kCutOff), kLogRoom));
}

Result<> close_journal(const Journal& journal, const std::string& problem, const std::string& log_file) {
  const auto path = journal.folder();
  if (!path) return {};
  const UniqueFd folder = TRY(open_file(*path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  const auto record = save_record(folder.get(), journal.record(), problem);
  const auto log = log_file.empty() ? Result<>() : save_run_log(folder.get(), log_file);
  return record ? log : record;
}

}  // namespace lifeboat::capture
