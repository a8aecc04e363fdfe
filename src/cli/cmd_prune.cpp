// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat prune
#include <nlohmann/json.hpp>

#include "src/base/size.h"
#include "src/cli/configuration.h"
#include "src/store/prune.h"

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
    retention.min_free = TRY_CONTEXT(parse_amount(line.get("min-free")), "--min-free");
  return retention;
}

struct Pruning {
  Json list;
  std::vector<std::string> problems;
};

// Prunes one store. When one crash cannot be removed, the others are removed anyway.
Result<> prune_store(const collect::Store& store, const Retention& retention, const CommandLine& line,
                     Pruning& pruning) {
  const bool dry_run = line.has("dry-run");
  std::vector<std::string> unreadable;
  const auto crashes = TRY(list_crashes(store.fd.get(), &unreadable));
  for (const auto& problem : unreadable)
    pruning.problems.push_back(fmt::format("{}: {}", store.name(), problem));
  for (const auto& removal : plan_prune(crashes, retention, TRY(file_system_space(store.fd.get())))) {
    const std::string name = store.crash_name(removal.name);
    const auto removed = dry_run ? Result<>() : remove_crash(store.fd.get(), removal.name, removal.id);
    if (!removed) {
      pruning.problems.push_back(fmt::format("{}: {}", name, removed.error().to_string()));
      continue;
    }
    pruning.list.push_back({{"folder", store.crash_folder(removal.name)},
                            {"device", store.device.empty() ? Json() : Json(store.device)},
                            {"bytes", removal.bytes},
                            {"reason", removal.reason}});
    if (line.json()) continue;
    fmt::print("{} {} ({}): {}\n", dry_run ? "would remove" : "removed", name, format_size(removal.bytes),
               removal.reason);
  }
  return {};
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
    ("min-free", Takes::text, "minimum free space of the file system: 2G, or 5%")
    ("dry-run,n", "only show what would be removed");
  // clang-format on
  add_config_option(line);
  add_store_option(line);
  if (!TRY(line.parse(arguments))) return kDone;
  const auto config = TRY(read_config(line));
  const Retention retention = TRY(chosen_retention(line, config));
  const bool dry_run = line.has("dry-run");
  const auto opened =
      TRY(open_stores(line, config, dry_run ? collect::Access::look : collect::Access::change));
  Pruning pruning{.list = Json::array(), .problems = opened.problems};
  for (const auto& store : opened.stores) {
    if (const auto done = prune_store(store, retention, line, pruning); !done)
      pruning.problems.push_back(fmt::format("{}: {}", store.name(), done.error().to_string()));
  }
  if (line.json())
    print_json({{"removed", pruning.list}, {"dry_run", dry_run}, {"problems", pruning.problems}});
  if (!line.json() && pruning.list.empty() && pruning.problems.empty()) fmt::print("nothing to remove\n");
  return report_problems(pruning.problems);
}

}  // namespace lifeboat::cli
