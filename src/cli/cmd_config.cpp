// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat config check|show
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "capture/plan/keys.h"
#include "src/base/log.h"
#include "src/base/spelling.h"
#include "src/cli/configuration.h"
#include "src/config/target_keys.h"

namespace lifeboat::cli {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const config::Config& config) {
  Json targets = Json::array();
  for (const auto& target : config.targets) {
    Json entry;
    for (const auto& key : config::target_keys()) entry[std::string(key.name)] = key.get(target);
    targets.push_back(std::move(entry));
  }
  Json json = {{"files", config.files}, {"target", std::move(targets)}};
  for (const auto& key : keys()) {
    const auto values = key.get(config);
    auto& field = json[std::string(key.section)][std::string(key.name)];
    field = key.kind == KeyKind::list ? Json(values) : values.front().empty() ? Json() : Json(values.front());
  }
  return json;
}

constexpr std::array<std::string_view, 2> kActions = {"check", "show"};

}  // namespace

Result<int> run_config(const Arguments& arguments) {
  CommandLine line("config", "check|show [--json]",
                   "check: check the configuration. Exit code 1: it has an error, shown with file and line.\n"
                   "show: print every setting in effect, in the format of the configuration file.");
  line.positional("action");
  add_config_option(line);
  if (!TRY(line.parse(arguments))) return kDone;
  const std::string action = TRY(line.require("action"));
  if (std::ranges::find(kActions, action) == kActions.end()) {
    return std::unexpected(Error(ErrorCode::usage, fmt::format("config: there is no action '{}'", action))
                               .hint(suggest_name(action, kActions)));
  }
  const auto read = read_config(line);
  if (!read && line.json() && action == "check") {
    const Error& error = read.error();
    print_json({{"ok", false}, {"mistake", error.reason()}, {"next", error.fix}});
  }
  const config::Config& config = TRY(read);
  const auto missing = action == "check" ? config::missing_files(config) : std::vector<std::string>{};
  for (const auto& file : missing) log::warning("{}", file);
  if (line.json()) {
    print_json(action == "show" ? to_json(config)
                                : Json{{"files", config.files}, {"ok", true}, {"warnings", missing}});
  } else if (action == "show") {
    fmt::print("{}", config::to_text(config));
  } else if (config.files.empty()) {
    fmt::print("no configuration file: all settings have their defaults\n");
  } else {
    for (const auto& file : config.files) fmt::print("{}: ok\n", file);
  }
  return kDone;
}

}  // namespace lifeboat::cli
