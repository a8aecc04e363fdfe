// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat list
#include <algorithm>

#include "base/size.h"
#include "capture/crash_list.h"
#include "cli/configuration.h"
#include "inspect/text.h"

namespace lifeboat::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ListedCrash {
  std::string folder;
  StoredCrash crash;
};

Json to_json(const ListedCrash& listed) {
  const auto& [folder, crash] = listed;
  const CrashRecord record = crash.record.value_or(CrashRecord{});
  return {{"folder", folder},
          {"time", crash.crash_time},
          {"outcome", outcome_name(crash.outcome)},
          {"bytes", crash.bytes},
          {"report", crash.has_report},
          {"kernel", record.release},
          {"boot_id", record.boot_id},
          {"kind", record.kind},
          {"panic", record.panic},
          {"signature", record.signature},
          {"collected", record.collected ? Json(*record.collected) : Json()}};
}

void print_table(const std::vector<ListedCrash>& crashes) {
  fmt::print("{:<23}  {:<10}  {:>10}  {:<28}  {}\n", "TIME", "DUMP", "SIZE", "KERNEL", "FOLDER");
  for (const auto& [folder, crash] : crashes) {
    const CrashRecord record = crash.record.value_or(CrashRecord{});
    fmt::print("{:<23}  {:<10}  {:>10}  {:<28}  {}\n", inspect::format_utc(crash.crash_time),
               outcome_name(crash.outcome), format_size(crash.bytes),
               record.release.empty() ? "-" : record.release, folder);
    if (!record.panic.empty()) fmt::print("{:<23}  {}\n", "", record.panic);
  }
}

}  // namespace

Result<int> run_list(const Arguments& arguments) {
  CommandLine line("list", "[--json]", "The crashes that were saved on this machine, the newest first.");
  add_config_option(line);
  add_store_option(line);
  if (!TRY(line.parse(arguments))) return kDone;
  const auto config = TRY(read_config(line));
  std::vector<ListedCrash> crashes;
  for (const auto& store : TRY(open_stores(line, config))) {
    for (auto& crash : TRY(list_crashes(store.fd.get())))
      crashes.push_back({fmt::format("{}/{}", store.path, crash.name), std::move(crash)});
  }
  std::ranges::stable_sort(crashes, std::greater{}, [](const ListedCrash& l) { return l.crash.crash_time; });
  if (line.json()) {
    Json list = Json::array();
    for (const auto& crash : crashes) list.push_back(to_json(crash));
    print_json(list);
  } else if (crashes.empty()) {
    fmt::print("no crash has been saved\n");
  } else {
    print_table(crashes);
  }
  return kDone;
}

}  // namespace lifeboat::cli
