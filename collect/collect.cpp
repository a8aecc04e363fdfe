// SPDX-License-Identifier: GPL-2.0-or-later
#include "collect/collect.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/process.h"
#include "base/size.h"
#include "capture/manifest.h"
#include "capture/store.h"
#include "collect/pstore.h"
#include "inspect/report_text.h"

namespace lifeboat::collect {
namespace {

constexpr std::chrono::minutes kCommandDeadline{5};

// The report that the capture kernel had no memory or time for. The dump's file is opened in its folder, so
// that no link leads elsewhere.
Result<std::string> write_report(const std::string& dump_path, int folder_fd) {
  const UniqueFd dump = TRY(open_at(folder_fd, kDumpFile, O_RDONLY | O_NOFOLLOW));
  const auto session = TRY(inspect::Session::open(fmt::format("/proc/self/fd/{}", dump.get())));
  const inspect::Report report = inspect::make_report(session);
  const std::string json =
      inspect::report_json(report, dump_path).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
      "\n";
  // One of the two may be there already.
  const std::string text = inspect::report_text(report, dump_path, inspect::Style(false));
  if (::faccessat(folder_fd, kReportTextFile, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
    TRY_VOID(write_small_file(folder_fd, kReportTextFile, text));
  TRY_VOID(write_small_file(folder_fd, kReportJsonFile, json));
  return json;
}

class Collector {
 public:
  Collector(CollectedCrash& found, int folder_fd, const config::Config& config, const CollectPaths& paths)
      : found_(found), folder_fd_(folder_fd), config_(config), paths_(paths) {}

  void run(bool newest, uint64_t now) {
    CrashRecord record = found_.crash.record.value_or(CrashRecord{.crash_time = found_.crash.crash_time});
    record.outcome = found_.crash.outcome;
    if (config_.collect.report && !found_.crash.has_report && found_.crash.outcome == CrashOutcome::whole)
      report(record);
    // What pstore holds is of the last crash.
    if (newest && config_.collect.pstore) pstore();
    record.collected = now;
    note(replace_crash_record(folder_fd_, record));
    // What a capture that was cut off had reserved.
    drop_reserve(folder_fd_, kCaptureLogFile);
    found_.crash.record = std::move(record);
    // Last, so that it sees all.
    if (!config_.collect.command.empty()) command();
  }

 private:
  void note(const Result<>& result) {
    if (!result) found_.problems.push_back(result.error().to_string());
  }
  void report(CrashRecord& record) {
    const auto json = write_report(found_.folder + "/" + kDumpFile, folder_fd_);
    if (!json) {
      found_.problems.push_back("the report: " + json.error().to_string());
      return;
    }
    take_report(record, *json);
    found_.crash.has_report = true;
  }
  void pstore() {
    for (const auto& source : paths_.pstore) {
      const auto moved = move_pstore(source, folder_fd_);
      if (moved) {
        found_.pstore_records += *moved;
      } else {
        found_.problems.push_back("pstore: " + moved.error().to_string());
      }
    }
  }
  void command() {
    const auto ran = run_process({config_.collect.command, found_.folder}, kCommandDeadline);
    if (!ran) {
      found_.problems.push_back(fmt::format("{}: {}", config_.collect.command, ran.error().to_string()));
    } else if (ran->status != 0) {
      found_.problems.push_back(
          fmt::format("{} ended with {}: {}", config_.collect.command, ran->status, ran->text));
    }
  }

  CollectedCrash& found_;
  int folder_fd_;
  const config::Config& config_;
  const CollectPaths& paths_;
};

void collect_new(const std::string& path, int store_fd, std::vector<StoredCrash> crashes,
                 const config::Config& config, const CollectPaths& paths, uint64_t now,
                 Collection& collection) {
  bool newest = collection.crashes.empty();
  for (auto& crash : crashes) {
    if (crash.record && crash.record->collected) continue;
    CollectedCrash found{.folder = fmt::format("{}/{}", path, crash.name), .crash = std::move(crash)};
    const auto folder = open_at(store_fd, found.crash.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (folder) {
      Collector(found, folder->get(), config, paths).run(newest, now);
    } else {
      found.problems.push_back(folder.error().to_string());
    }
    newest = false;
    collection.crashes.push_back(std::move(found));
  }
}

void apply_retention(const std::string& path, int store_fd, const config::Config& config,
                     Collection& collection) {
  const auto crashes = list_crashes(store_fd);
  const auto room = file_system_room(store_fd);
  if (!crashes || !room) return;
  for (const auto& removal : plan_prune(*crashes, config.retention, *room)) {
    const std::string folder = fmt::format("{}/{}", path, removal.name);
    if (const auto removed = remove_crash(store_fd, removal.name)) {
      collection.removed.push_back(fmt::format("{}: {}", folder, removal.reason));
    } else {
      collection.problems.push_back(fmt::format("{}: {}", folder, removed.error().to_string()));
    }
  }
}

// Did the crash that was ordered come to be a whole dump?
void redeem_promise(const CollectPaths& paths, uint64_t now, Collection& collection) {
  const auto promise = arm::read_promise(paths.promise);
  // The crash has not happened yet: this is still the boot that is to be crashed.
  if (!promise || read_line(paths.boot_id).value_or("") == promise->boot_id) return;
  arm::RehearsalRecord record{.time = now,
                              .real = true,
                              .release = promise->release,
                              .problem = "no dump of that crash is in the store",
                              .initramfs_digest = promise->initramfs_digest};
  for (const auto& found : collection.crashes) {
    if (!found.crash.record || found.crash.record->boot_id != promise->boot_id) continue;
    record.whole = found.crash.outcome == CrashOutcome::whole;
    record.problem =
        record.whole ? "" : fmt::format("of its dump there is: {}", outcome_name(found.crash.outcome));
    break;
  }
  if (const auto saved = arm::save_rehearsal(record, paths.rehearsal); !saved)
    collection.problems.push_back(saved.error().to_string());
  arm::forget_promise(paths.promise);
  collection.rehearsal = std::move(record);
}

std::string notice_text(const Collection& collection) {
  std::string text;
  for (const auto& found : collection.crashes) {
    const CrashRecord record = found.crash.record.value_or(CrashRecord{});
    text += fmt::format("This machine crashed on {}{}{}.\n", inspect::format_utc(found.crash.crash_time),
                        record.panic.empty() ? "" : ": ", record.panic);
    text += found.crash.outcome == CrashOutcome::whole
                ? fmt::format("  lifeboat inspect {}/{}\n", found.folder, kDumpFile)
                : fmt::format("  Its dump: {}. See {}\n", outcome_name(found.crash.outcome), found.folder);
  }
  return text;
}

Result<> write_notice(const std::string& path, const std::string& text) {
  std::error_code ignored;
  const auto folder = std::filesystem::path(path).parent_path();
  // Whoever logs in reads it, whatever the umask of the service is.
  if (std::filesystem::create_directories(folder, ignored))
    std::filesystem::permissions(folder, std::filesystem::perms(0755), ignored);
  return write_file_atomically(path, as_byte_span(text), 0644);
}

}  // namespace

void collect_store(const std::string& path, int store_fd, const config::Config& config,
                   const CollectPaths& paths, uint64_t now, Collection& collection) {
  auto crashes = list_crashes(store_fd);
  if (!crashes) {
    collection.problems.push_back(fmt::format("{}: {}", path, crashes.error().to_string()));
    return;
  }
  collect_new(path, store_fd, *std::move(crashes), config, paths, now, collection);
  apply_retention(path, store_fd, config, collection);
}

void finish_collection(const config::Config& config, const CollectPaths& paths, uint64_t now,
                       Collection& collection) {
  redeem_promise(paths, now, collection);
  const std::string text = notice_text(collection);
  if (!config.collect.notice || text.empty()) {
    ::unlink(paths.notice.c_str());
    return;
  }
  if (const auto written = write_notice(paths.notice, text); !written)
    collection.problems.push_back(fmt::format("the notice: {}", written.error().to_string()));
}

}  // namespace lifeboat::collect
