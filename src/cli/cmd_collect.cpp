// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat collect
#include <ctime>
#include <nlohmann/json.hpp>

#include "src/arming/absent_devices.h"
#include "src/base/log.h"
#include "src/base/size.h"
#include "src/base/text.h"
#include "src/cli/configuration.h"
#include "src/collect/collect.h"
#include "src/collect/pstore_driver.h"

namespace lifeboat::cli {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const collect::Collection& collection) {
  Json crashes = Json::array();
  for (const auto& found : collection.crashes) {
    const CrashRecord record = found.crash.record.value_or(CrashRecord{});
    crashes.push_back({{"folder", found.folder},
                       {"device", found.device.empty() ? Json() : Json(found.device)},
                       {"outcome", outcome_name(found.crash.outcome)},
                       {"dump_outcome", outcome_name(found.crash.dump())},
                       {"fell_back", record.fell_back},
                       {"lost_pages", record.lost_pages},
                       {"report", found.crash.has_report},
                       {"panic", record.panic},
                       {"kind", record.kind},
                       {"signature", record.signature},
                       {"pstore_records", found.pstore_records},
                       {"problems", found.problems}});
  }
  Json retried = Json::array(), left = Json::array();
  for (const auto& retry : collection.retried)
    retried.push_back({{"folder", retry.folder},
                       {"device", retry.device.empty() ? Json() : Json(retry.device)},
                       {"succeeded", retry.succeeded}});
  for (const auto& record : collection.pstore_left) left.push_back(record.path);
  Json rehearsal, late;
  if (collection.rehearsal)
    rehearsal = {{"whole", collection.rehearsal->whole},
                 {"log_only", collection.rehearsal->log_only},
                 {"problem", collection.rehearsal->problem}};
  if (collection.pstore_late)
    late = {
        {"folder", collection.pstore_late->folder},
        {"device", collection.pstore_late->device.empty() ? Json() : Json(collection.pstore_late->device)},
        {"records", collection.pstore_late->records}};
  return {{"crashes", crashes},
          {"retried", retried},
          {"pstore_late", late},
          {"pstore_left", left},
          {"removed", collection.removed},
          {"rehearsal", rehearsal},
          {"problems", collection.problems}};
}

std::string location(const std::string& device, const std::string& folder) {
  return device.empty() ? folder : device + ":" + folder;
}

std::string rehearsal_text(const arming::RehearsalRecord& rehearsal) {
  if (rehearsal.whole) return "succeeded: its dump is whole";
  if (rehearsal.log_only) return "succeeded: log and report are saved, [dump] level is none";
  return "FAILED: " + one_line(rehearsal.problem);
}

void print_text(const collect::Collection& collection) {
  for (const auto& found : collection.crashes) {
    const CrashRecord record = found.crash.record.value_or(CrashRecord{});
    fmt::print("{}: dump {}, {}{}\n", location(found.device, found.folder),
               describe_dump(found.crash.outcome, record), format_size(found.crash.bytes),
               record.panic.empty() ? "" : ": " + one_line(record.panic));
    if (found.pstore_records > 0) fmt::print("  {} pstore records\n", found.pstore_records);
  }
  for (const auto& retry : collection.retried) {
    if (retry.succeeded)
      fmt::print("{}: [collect] command has now succeeded\n", location(retry.device, retry.folder));
  }
  if (const auto& late = collection.pstore_late)
    fmt::print("{}: {} pstore records that appeared later\n", location(late->device, late->folder),
               late->records);
  if (const auto& left = collection.pstore_left; !left.empty()) {
    fmt::print("{}\n", collect::describe(left));
    for (const auto& record : left) fmt::print("  {}\n", one_line(record.path));
  }
  for (const auto& removed : collection.removed) fmt::print("removed {}\n", removed);
  if (collection.rehearsal) {
    fmt::print("the rehearsal of this machine (--real) {}\n", rehearsal_text(*collection.rehearsal));
  }
  if (collection.crashes.empty()) fmt::print("no new crash\n");
}

}  // namespace

Result<int> run_collect(const Arguments& arguments) {
  CommandLine line(
      "collect", "[--json]",
      "Collect the new crashes at the boot after a crash (lifeboat-collect.service): complete the report of\n"
      "each, move the pstore records to it, apply [retention], and write a notice that is shown at login.");
  add_config_option(line);
  add_store_option(line);
  add_wait_option(line, "wait at most so many seconds for the devices of targets, as at boot");
  if (!TRY(line.parse(arguments))) return kDone;
  const auto config = TRY(read_config(line));
  const auto max_wait = TRY(read_wait(line));
  if (line.has("store") && line.has("wait"))
    return fail(ErrorCode::usage, "collect: --wait is for the configured targets, --store names a folder");
  arming::wait_for_devices(config.targets, max_wait);
  const auto now = static_cast<uint64_t>(std::time(nullptr));
  if (!line.has("store") && config.collect.pstore) collect::load_pstore_driver();
  const auto opened = TRY(open_stores(line, config, collect::Access::change));
  auto collection = collect::collect(
      opened, config, line.has("store") ? collect::Scope::folder : collect::Scope::machine, {}, now);
  if (line.json()) {
    print_json(to_json(collection));
  } else {
    print_text(collection);
  }
  std::vector<std::string> problems;
  for (const auto& found : collection.crashes) {
    for (const auto& problem : found.problems)
      problems.push_back(fmt::format("{}: {}", found.folder, problem));
  }
  problems.insert(problems.end(), collection.problems.begin(), collection.problems.end());
  const int code = report_problems(problems);
  return collection.rehearsal && !collection.rehearsal->succeeded() ? kFailed : code;
}

}  // namespace lifeboat::cli
