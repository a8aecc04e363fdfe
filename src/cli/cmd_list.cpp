// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat list
#include <nlohmann/json.hpp>
#include <set>

#include "capture/plan/capture_plan.h"
#include "src/base/size.h"
#include "src/cli/configuration.h"
#include "src/inspect/view_text.h"

namespace lifeboat::cli {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const collect::FoundCrash& found) {
  const auto& [store, crash] = found;
  const CrashRecord record = crash.record.value_or(CrashRecord{});
  return {{"folder", found.folder()},
          {"device", store->device.empty() ? Json() : Json(store->device)},
          {"time", crash.crash_time},
          {"outcome", outcome_name(crash.outcome)},
          {"bytes", crash.bytes},
          {"report", crash.has_report},
          {"kernel", record.release},
          {"boot_id", record.boot_id},
          {"kind", record.kind},
          {"panic", record.panic},
          {"signature", record.signature},
          {"collected", record.collected ? Json(*record.collected) : Json()},
          {"dump_outcome", outcome_name(crash.dump())},
          {"fell_back", record.fell_back},
          {"lost_pages", record.lost_pages}};
}

void print_table(const std::vector<collect::FoundCrash>& crashes) {
  fmt::print("{:<23}  {:<10}  {:>10}  {:<28}  {}\n", "TIME", "DUMP", "SIZE", "KERNEL", "FOLDER");
  for (const auto& found : crashes) {
    const StoredCrash& crash = found.crash;
    const CrashRecord record = crash.record.value_or(CrashRecord{});
    fmt::print("{:<23}  {:<10}  {:>10}  {:<28}  {}\n", inspect::format_utc(crash.crash_time),
               outcome_name(crash.outcome), format_size(crash.bytes),
               record.release.empty() ? "-" : one_line(record.release), found.name());
    if (crash.outcome == CrashOutcome::incomplete || crash.dump() == DumpOutcome::log_only)
      fmt::print("{:<23}  {}\n", "", describe_dump(crash.outcome, record));
    if (!record.panic.empty()) fmt::print("{:<23}  {}\n", "", one_line(record.panic));
  }
  std::set<std::string> shown;
  for (const auto& [store, crash] : crashes) {
    if (!store->device.empty() && !crash.dump_file.empty() && shown.insert(store->device).second) {
      fmt::print("{} is not mounted; to read its dumps: {}\n", store->device,
                 collect::command_for("lifeboat inspect", *store, crash.name, crash.dump_file));
    }
  }
}

}  // namespace

Result<int> run_list(const Arguments& arguments) {
  CommandLine line("list", "[--json]", "List the crashes that were saved on this machine, the newest first.");
  add_config_option(line);
  add_store_option(line);
  if (!TRY(line.parse(arguments))) return kDone;
  const auto config = TRY(read_config(line));
  const auto opened = TRY(open_stores(line, config, collect::Access::look));
  auto problems = opened.problems;
  const auto crashes = collect::find_crashes(opened.stores, problems);
  if (line.json()) {
    Json list = Json::array();
    for (const auto& crash : crashes) list.push_back(to_json(crash));
    print_json(list);
  } else if (!crashes.empty()) {
    print_table(crashes);
  } else if (problems.empty()) {
    fmt::print("no crash has been saved\n");
  }
  return report_problems(problems);
}

}  // namespace lifeboat::cli
