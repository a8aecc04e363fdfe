// SPDX-License-Identifier: GPL-2.0-or-later
#include "collect/collect.h"

#include <unistd.h>

#include <algorithm>

#include "base/process.h"
#include "base/size.h"
#include "capture/manifest.h"
#include "capture/prune.h"
#include "capture/store.h"
#include "collect/notice.h"
#include "collect/promise.h"
#include "collect/pstore.h"

namespace lifeboat::collect {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::minutes kCommandDeadline{5};
// No crash is begun with after this long. With the longest that one may take (kCommandDeadline and
// ReportLimits::time), it ends before systemd ends it (TimeoutStartSec= of lifeboat-collect.service).
constexpr std::chrono::minutes kWholeDeadline{10};
constexpr uint64_t kMostReportBytes = 16_MiB;

// One crash that is new.
class Completion {
 public:
  Completion(const Store& store, StoredCrash crash, const config::Config& config)
      : store_(store),
        config_(config),
        found_{.folder = store.crash_folder(crash.name), .device = store.device, .crash = std::move(crash)} {}

  // `pstore`: the places whose records are of this crash.
  CollectedCrash run(const std::vector<std::string>& pstore, const std::string& boot_id, uint64_t now) {
    auto folder = open_at(store_.fd.get(), found_.crash.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!folder) {
      note(std::unexpected(std::move(folder).error()));
      return std::move(found_);
    }
    folder_fd_ = folder->get();
    CrashRecord record = found_.crash.record.value_or(CrashRecord{.crash_time = found_.crash.crash_time});
    record.outcome = found_.crash.outcome;
    report(record);
    take_pstore(pstore);
    record.collected = now;
    record.collected_boot_id = boot_id;
    note(replace_crash_record(folder_fd_, record));
    // What a capture that was cut off had reserved.
    drop_reserve(folder_fd_, kCaptureLogFile);
    found_.crash.record = std::move(record);
    // Last, so that it sees all.
    if (!config_.collect.command.empty()) command();
    return std::move(found_);
  }

 private:
  void note(const Result<>& result) {
    if (!result) found_.problems.push_back(result.error().to_string());
  }
  void report(CrashRecord& record) {
    Result<std::string> json;
    if (found_.crash.has_report) {
      // The record is of a capture that may have been cut off before it took this over.
      if (!record.kind.empty()) return;
      json = read_text_at(folder_fd_, kReportJsonFile, kMostReportBytes);
    } else if (config_.collect.report && found_.crash.outcome == CrashOutcome::whole) {
      json = write_report(store_.crash_name(found_.crash.name) + "/" + kDumpFile, folder_fd_);
    } else {
      return;
    }
    if (!json) {
      found_.problems.push_back("the report: " + json.error().to_string());
      return;
    }
    take_report(record, *json);
    found_.crash.has_report = true;
  }
  void take_pstore(const std::vector<std::string>& sources) {
    for (const auto& source : sources) {
      const auto moved = move_pstore(source, folder_fd_);
      found_.pstore_records += moved.count;
      for (const auto& problem : moved.problems) found_.problems.push_back("pstore: " + problem);
    }
  }
  void command() {
    const auto ran =
        run_process({config_.collect.command, store_.crash_path(found_.crash.name)}, kCommandDeadline);
    if (!ran) {
      found_.problems.push_back(fmt::format("{}: {}", config_.collect.command, ran.error().to_string()));
    } else if (ran->status != 0) {
      found_.problems.push_back(
          fmt::format("{} ended with {}: {}", config_.collect.command, ran->status, ran->text));
    }
  }

  const Store& store_;
  const config::Config& config_;
  CollectedCrash found_;
  int folder_fd_ = -1;
};

void apply_retention(const Store& store, const Retention& retention, Collection& collection) {
  const auto crashes = list_crashes(store.fd.get());
  const auto room = file_system_room(store.fd.get());
  if (!crashes || !room) {
    const Error& error = crashes ? room.error() : crashes.error();
    collection.problems.push_back(fmt::format("{}: {}", store.name(), error.to_string()));
    return;
  }
  for (const auto& removal : plan_prune(*crashes, retention, *room)) {
    const std::string folder = store.crash_name(removal.name);
    if (const auto removed = remove_crash(store.fd.get(), removal.name)) {
      collection.removed.push_back(fmt::format("{}: {}", folder, removal.reason));
    } else {
      collection.problems.push_back(fmt::format("{}: {}", folder, removed.error().to_string()));
    }
  }
}

}  // namespace

Collection collect(const OpenStores& stores, const config::Config& config, Scope scope,
                   const CollectPaths& paths, uint64_t now) {
  const auto begin = Clock::now();
  const bool machine = scope == Scope::machine;
  const std::string boot_id = read_line(paths.boot_id).value_or("");
  Collection collection;
  collection.problems = stores.problems;
  std::vector<FoundCrash> all = find_crashes(stores.stores, collection.problems);
  const bool all_seen = collection.problems.empty();

  for (auto& found : all) {
    if (found.crash.record && found.crash.record->collected) continue;
    if (Clock::now() - begin > kWholeDeadline) {
      collection.problems.push_back(
          "there are more new crashes than there was time for: the rest is left to "
          "the next 'lifeboat collect'");
      break;
    }
    // What pstore holds is of the last crash.
    const bool newest = machine && config.collect.pstore && &found == &all.front();
    Completion completion(*found.store, found.crash, config);
    collection.crashes.push_back(
        completion.run(newest ? paths.pstore : std::vector<std::string>{}, boot_id, now));
    found.crash = collection.crashes.back().crash;
  }
  if (machine) {
    auto rehearsal = redeem_promise(all, all_seen, {paths.promise, paths.rehearsal}, boot_id, now);
    if (rehearsal) {
      collection.rehearsal = *std::move(rehearsal);
    } else {
      collection.problems.push_back(rehearsal.error().to_string());
    }
  }
  for (const auto& store : stores.stores) apply_retention(store, config.retention, collection);
  if (machine) {
    std::vector<std::string> told_already;
    const auto left = find_crashes(stores.stores, told_already);
    const std::string notice = config.collect.notice ? notice_text(left, boot_id) : "";
    if (const auto written = leave_notice(paths.notice, notice); !written)
      collection.problems.push_back(fmt::format("the notice: {}", written.error().to_string()));
  }
  return collection;
}

}  // namespace lifeboat::collect
