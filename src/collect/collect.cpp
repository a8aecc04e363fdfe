// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/collect.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "capture/plan/capture_plan.h"
#include "src/base/size.h"
#include "src/collect/collect_command.h"
#include "src/collect/notice.h"
#include "src/collect/pending_rehearsal.h"
#include "src/collect/pstore.h"
#include "src/store/prune.h"
#include "src/store/store.h"

namespace lifeboat::collect {
namespace {

using Clock = std::chrono::steady_clock;

// No further crash is started after this time. Together with the maximum for one crash (run_command() and
// ReportLimits::time) it ends before systemd's timeout (TimeoutStartSec= of lifeboat-collect.service).
constexpr std::chrono::minutes kWholeDeadline{10};
constexpr uint64_t kMaxReportBytes = 16_MiB;
// A record of pstore may be this much older than its crash: the clock may have been set in between, and a
// kernel may log errors long before it panics.
constexpr uint64_t kMaxRecordAge = 3600;

// How much later than its crash a record may have been written: both times are by one clock, and nothing is
// written to pstore after the crashed kernel has started the capture kernel.
constexpr uint64_t kMaxRecordDelay = 60;

// Whether a record that appeared after its crash was collected is of that crash. It may be of a later one
// whose capture kernel did not start, or of an oops in this boot: so the time decides, and for a record
// without one, that the crash was the end of the boot before this one.
bool is_late_record_of(const StoredCrash& crash, const std::string& boot_id, const PstoreRecord& record) {
  const std::string collected_in = crash.record ? crash.record->collected_boot_id : "";
  if (collected_in.empty() || record.time + kMaxRecordAge < crash.crash_time) return false;
  if (!has_own_time(record)) return collected_in == boot_id;
  return record.time <= crash.crash_time + kMaxRecordDelay;
}

// nullopt: there are none.
std::optional<LatePstore> take_late_pstore(const FoundCrash& found, const CollectPaths& paths,
                                           const std::string& boot_id, std::vector<std::string>& problems) {
  const auto belongs = [&](const PstoreRecord& record) {
    return is_late_record_of(found.crash, boot_id, record);
  };
  std::vector<std::string> unreadable;
  if (std::ranges::none_of(pstore_records(paths.pstore, unreadable), belongs)) return std::nullopt;
  LatePstore late{.folder = found.folder(), .device = found.store->device};
  const auto folder = open_crash_folder(found.store->fd.get(), found.crash.name, found.crash.id);
  if (!folder) {
    problems.push_back(fmt::format("{}: {}", found.name(), folder.error().to_string()));
    return std::nullopt;
  }
  for (const auto& source : paths.pstore) {
    const auto moved = move_pstore(source, folder->get(), belongs);
    late.records += moved.count;
    for (const auto& problem : moved.problems) problems.push_back("pstore: " + problem);
  }
  return late;
}

// One crash that is new.
class Completion {
 public:
  Completion(const Store& store, StoredCrash crash, const config::Config& config)
      : store_(store),
        config_(config),
        found_{.folder = store.crash_folder(crash.name), .device = store.device, .crash = std::move(crash)} {}

  // `pstore`: the folders whose records are of this crash.
  CollectedCrash run(const std::vector<std::string>& pstore, const std::string& boot_id, uint64_t now) {
    auto folder = open_crash_folder(store_.fd.get(), found_.crash.name, found_.crash.id);
    if (!folder) {
      note(std::unexpected(std::move(folder).error()));
      return std::move(found_);
    }
    folder_fd_ = folder->get();
    CrashRecord record = found_.crash.record.value_or(CrashRecord{.crash_time = found_.crash.crash_time});
    record.outcome = found_.crash.outcome;
    record.dump = found_.crash.dump();
    report(record);
    take_pstore(pstore);
    record.collected = now;
    record.collected_boot_id = boot_id;
    // Reserved by a capture that was interrupted.
    note(drop_reserve(folder_fd_, kCaptureLogFile));
    if (config_.collect.command.empty()) {
      note(replace_crash_record(folder_fd_, record));
    } else {
      // Last, so that the command sees all files.
      for (auto& problem : run_command(config_.collect.command,
                                       store_.crash_path(found_.crash.name, folder_fd_), folder_fd_, record))
        found_.problems.push_back(std::move(problem));
    }
    found_.crash.record = std::move(record);
    return std::move(found_);
  }

 private:
  void note(const Result<>& result) {
    if (!result) found_.problems.push_back(result.error().to_string());
  }
  void report(CrashRecord& record) {
    Result<std::string> json;
    if (found_.crash.has_report) {
      // The capture may have been interrupted before it copied the report's summary into the record.
      if (!record.kind.empty()) return;
      json = read_text_at(folder_fd_, kReportJsonFile, kMaxReportBytes);
    } else if (const std::string& dump = found_.crash.dump_file;
               config_.collect.report && !dump.empty() && ends_capture(found_.crash.dump())) {
      json = write_report(store_.crash_name(found_.crash.name) + "/" + dump, folder_fd_, {}, dump);
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
      const uint64_t not_before = found_.crash.crash_time - std::min(found_.crash.crash_time, kMaxRecordAge);
      const auto moved = move_pstore(source, folder_fd_, not_before);
      found_.pstore_records += moved.count;
      for (const auto& problem : moved.problems) found_.problems.push_back("pstore: " + problem);
    }
  }

  const Store& store_;
  const config::Config& config_;
  CollectedCrash found_;
  int folder_fd_ = -1;
};

// Runs the command again that failed in an earlier run.
CommandRetry retry(FoundCrash& found, const std::string& command, std::vector<std::string>& problems) {
  const auto folder = open_crash_folder(found.store->fd.get(), found.crash.name, found.crash.id);
  std::vector<std::string> of_this;
  if (folder) {
    of_this = run_command(command, found.store->crash_path(found.crash.name, folder->get()), folder->get(),
                          *found.crash.record);
  } else {
    of_this.push_back(folder.error().to_string());
  }
  for (const auto& problem : of_this) problems.push_back(fmt::format("{}: {}", found.name(), problem));
  return {.folder = found.folder(), .device = found.store->device, .succeeded = of_this.empty()};
}

// What is new in this boot is kept: the notice has just named it.
void apply_retention(const Store& store, const Retention& retention, const std::string& boot_id,
                     Collection& collection) {
  const auto crashes = list_crashes(store.fd.get());
  const auto space = file_system_space(store.fd.get());
  if (!crashes || !space) {
    const Error& error = crashes ? space.error() : crashes.error();
    collection.problems.push_back(fmt::format("{}: {}", store.name(), error.to_string()));
    return;
  }
  std::set<std::string> spared;
  for (const auto& crash : *crashes) {
    if (is_new(crash, boot_id)) spared.insert(crash.name);
  }
  for (const auto& removal : plan_prune(*crashes, retention, *space, spared)) {
    const std::string folder = store.crash_name(removal.name);
    if (const auto removed = remove_crash(store.fd.get(), removal.name, removal.id)) {
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

  std::vector<FoundCrash*> fresh, again;
  for (auto& found : all) {
    const auto& record = found.crash.record;
    if (!record || !record->collected) fresh.push_back(&found);
    if (record && command_is_due(*record) && !config.collect.command.empty()) again.push_back(&found);
  }
  const auto in_time = [&] { return Clock::now() - begin <= kWholeDeadline; };
  for (auto* found : fresh) {
    if (!in_time()) {
      collection.problems.push_back(
          "there was not enough time for all new crashes: the next 'lifeboat collect' "
          "continues");
      break;
    }
    // The records of pstore are of the last crash.
    const bool newest = machine && config.collect.pstore && found == &all.front();
    Completion completion(*found->store, found->crash, config);
    collection.crashes.push_back(
        completion.run(newest ? paths.pstore : std::vector<std::string>{}, boot_id, now));
    found->crash = collection.crashes.back().crash;
  }
  const bool had_its_turn = all.empty() || std::ranges::find(fresh, &all.front()) != fresh.end();
  if (machine && config.collect.pstore && !had_its_turn)
    collection.pstore_late = take_late_pstore(all.front(), paths, boot_id, collection.problems);
  for (auto* found : again) {
    if (in_time()) collection.retried.push_back(retry(*found, config.collect.command, collection.problems));
  }
  if (machine) {
    auto rehearsal = resolve_pending_rehearsal(all, all_seen, {paths.pending, paths.rehearsal}, boot_id, now);
    if (rehearsal) {
      collection.rehearsal = *std::move(rehearsal);
    } else {
      collection.problems.push_back(rehearsal.error().to_string());
    }
  }
  for (const auto& store : stores.stores) apply_retention(store, config.retention, boot_id, collection);
  if (machine) {
    if (config.collect.pstore) collection.pstore_left = pstore_records(paths.pstore, collection.problems);
    std::vector<std::string> reported_already;
    const auto left = find_crashes(stores.stores, reported_already);
    const std::string notice =
        config.collect.notice ? notice_text(left, boot_id, collection.pstore_left) : "";
    if (const auto written = leave_notice(paths.notice, notice); !written)
      collection.problems.push_back(
          fmt::format("cannot update the notice of new crashes: {}", written.error().to_string()));
  }
  return collection;
}

}  // namespace lifeboat::collect
