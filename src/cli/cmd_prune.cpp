// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat prune
#include <nlohmann/json.hpp>

#include "src/base/log.h"
#include "src/base/size.h"
#include "src/cli/configuration.h"
#include "src/collect/next_dump.h"
#include "src/collect/prune_stores.h"

namespace lifeboat::cli {
namespace {

using Json = nlohmann::ordered_json;

Result<Retention> chosen_retention(const CommandLine& line, const config::Config& config) {
  if (!line.has("keep") && !line.has("max-size") && !line.has("min-free")) return config.retention;
  Retention retention;
  if (line.has("keep")) {
    const int keep = line.get("keep", 0);
    if (keep < 1) return fail(ErrorCode::usage, "prune: --keep must be at least 1");
    retention.keep = static_cast<unsigned>(keep);
  }
  if (line.has("max-size"))
    retention.max_size = TRY_CONTEXT(parse_amount(line.get("max-size")), "--max-size");
  if (line.has("min-free"))
    retention.min_free = TRY_CONTEXT(parse_free_space(line.get("min-free")), "--min-free");
  return retention;
}

Json to_json(const collect::RemovedCrash& removed) {
  const auto& [store, removal] = removed;
  return {{"folder", store->crash_folder(removal.name)},
          {"device", store->device.empty() ? Json() : Json(store->device)},
          {"bytes", removal.bytes},
          {"reason", removal.reason}};
}

void print_text(const collect::RemovedCrash& removed, bool dry_run) {
  const auto& [store, removal] = removed;
  fmt::print("{} {} ({}): {}\n", dry_run ? "would remove" : "removed", store->crash_name(removal.name),
             format_size(removal.bytes), removal.reason);
  std::fflush(stdout);
}

}  // namespace

Result<int> run_prune(const Arguments& arguments) {
  CommandLine line(
      "prune", "[--keep N] [--max-size SIZE] [--min-free SIZE] [--dry-run]",
      "Remove the oldest crashes until the limits hold: those given here, else [retention] of the\n"
      "configuration. The newest whole dump is always kept.");
  // clang-format off
  line.options()
    ("keep", Takes::number, "keep at most so many crashes")
    ("max-size", Takes::text, "maximum size of all crashes: 20G, or a share of the file system: 10%")
    ("min-free", Takes::text, "minimum free space of the file system: 2G, 5%, or dump: as much as the next dump may take")
    ("dry-run,n", "only show what would be removed");
  // clang-format on
  add_config_option(line);
  add_store_option(line);
  if (!TRY(line.parse(arguments))) return kDone;
  const auto config = TRY(read_config(line));
  std::vector<std::string> warnings;
  Retention retention = TRY(chosen_retention(line, config));
  // A store that was named may be of another machine.
  if (retention.min_free && retention.min_free->next_dump && !line.has("store") && !config.dump.log_only()) {
    if (const auto bytes = collect::measure_next_dump(config.dump)) {
      retention.min_free->bytes = *bytes;
    } else {
      warnings.push_back(
          fmt::format("the next dump is expected to be no larger than those that are stored: {}",
                      bytes.error().to_string()));
      log::warning("{}", warnings.back());
    }
  }
  const bool dry_run = line.has("dry-run");
  const auto opened =
      TRY(open_stores(line, config, dry_run ? collect::Access::look : collect::Access::change));
  auto pruning = collect::prune_stores(opened.stores, retention,
                                       dry_run ? collect::PruneMode::show : collect::PruneMode::remove,
                                       [&](const collect::RemovedCrash& removed) {
                                         if (!line.json()) print_text(removed, dry_run);
                                       });
  pruning.problems.insert(pruning.problems.begin(), opened.problems.begin(), opened.problems.end());
  if (line.json()) {
    Json list = Json::array();
    for (const auto& removed : pruning.removed) list.push_back(to_json(removed));
    print_json(
        {{"removed", list}, {"dry_run", dry_run}, {"warnings", warnings}, {"problems", pruning.problems}});
  } else if (pruning.removed.empty() && pruning.problems.empty()) {
    fmt::print("nothing to remove\n");
  }
  return report_problems(pruning.problems);
}

}  // namespace lifeboat::cli
