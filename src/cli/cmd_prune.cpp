// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat prune
#include "base/log.h"
#include "base/size.h"
#include "capture/prune.h"
#include "cli/configuration.h"

namespace lifeboat::cli {
namespace {

using Json = nlohmann::ordered_json;

Result<Retention> chosen_retention(const CommandLine& line, const config::Config& config) {
  if (!line.has("keep") && !line.has("max-size") && !line.has("min-free")) return config.retention;
  Retention retention;
  if (line.has("keep")) {
    const int keep = line.get("keep", 0);
    if (keep < 1) return fail(ErrorCode::usage, "prune: --keep is a number from 1 on");
    retention.keep = static_cast<unsigned>(keep);
  }
  if (line.has("max-size"))
    retention.max_size = TRY_CONTEXT(parse_amount(line.get("max-size")), "--max-size");
  if (line.has("min-free"))
    retention.min_free = TRY_CONTEXT(parse_amount(line.get("min-free")), "--min-free");
  return retention;
}

}  // namespace

Result<int> run_prune(const Arguments& arguments) {
  CommandLine line(
      "prune", "[--keep N] [--max-size SIZE] [--min-free SIZE] [--dry-run]",
      "Takes the oldest crashes away until the limits hold: those given here, else [retention] of the\n"
      "configuration. The newest whole dump always stays.");
  // clang-format off
  line.options().add_options()
    ("keep", po::value<int>(), "at most so many crashes")
    ("max-size", po::value<std::string>(), "of all crashes together: 20G, or a share of the file system: 10%")
    ("min-free", po::value<std::string>(), "of the file system: 2G, or 5%")
    ("dry-run,n", "only show what would go");
  // clang-format on
  add_config_option(line);
  add_store_option(line);
  if (!TRY(line.parse(arguments))) return kDone;
  const auto config = TRY(read_config(line));
  const Retention retention = TRY(chosen_retention(line, config));
  const bool dry_run = line.has("dry-run");
  Json list = Json::array();
  Result<> outcome;
  for (const auto& store : TRY(open_stores(line, config))) {
    const auto crashes = TRY(list_crashes(store.fd.get()));
    const auto removals = plan_prune(crashes, retention, TRY(file_system_room(store.fd.get())));
    if (!dry_run) {
      auto pruned = prune(store.fd.get(), removals);
      if (!pruned && outcome) outcome = std::unexpected(std::move(pruned).error().context(store.path));
    }
    for (const auto& removal : removals) {
      const std::string folder = fmt::format("{}/{}", store.path, removal.name);
      list.push_back({{"folder", folder}, {"bytes", removal.bytes}, {"reason", removal.reason}});
      if (!line.json()) {
        fmt::print("{} {} ({}): {}\n", dry_run ? "would remove" : "removed", folder,
                   format_size(removal.bytes), removal.reason);
      }
    }
  }
  TRY_VOID(outcome);
  if (line.json()) print_json({{"removed", list}, {"dry_run", dry_run}});
  if (!line.json() && list.empty()) fmt::print("nothing to remove\n");
  return kDone;
}

}  // namespace lifeboat::cli
