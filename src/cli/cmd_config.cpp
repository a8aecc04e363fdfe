// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat config check|show|import
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "capture/plan/keys.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/spelling.h"
#include "src/base/text.h"
#include "src/cli/configuration.h"
#include "src/config/target_keys.h"
#include "src/migration/import.h"

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

// Nothing is overwritten unless asked: the file may be the one that is in use.
Result<> write_imported(const CommandLine& line, const std::string& text) {
  const std::string path = line.get("output");
  if (!line.has("force") && ::access(path.c_str(), F_OK) == 0) {
    return std::unexpected(Error(ErrorCode::usage, fmt::format("{} exists", path))
                               .hint("name another file, or overwrite it with --force"));
  }
  return write_file_atomically(path, as_byte_span(text), 0644);
}

Json imported_json(const CommandLine& line, const migration::Imported& imported) {
  Json settings = Json::array();
  for (const auto& setting : imported.settings) {
    settings.push_back({{"file", setting.file},
                        {"line", setting.line},
                        {"setting", setting.setting},
                        {"result", migration::fate_name(setting.fate)},
                        {"key", setting.key.empty() ? Json() : Json(setting.key)},
                        {"reason", setting.reason}});
  }
  return {{"files", imported.files},
          {"complete", imported.complete()},
          {"output", line.has("output") ? Json(line.get("output")) : Json()},
          {"config", imported.text},
          {"settings", std::move(settings)}};
}

// What the user has to know of; the rest is in --json, and as comments in the configuration.
void report_settings(const migration::Imported& imported) {
  for (const auto& setting : imported.settings) {
    if (setting.fate == migration::Fate::taken || setting.fate == migration::Fate::same) continue;
    log::warning("{}:{}: {}: {}: {}", one_line(setting.file), setting.line, setting.setting,
                 migration::fate_name(setting.fate), setting.reason);
  }
}

Result<int> import_other(const CommandLine& line) {
  const auto imported =
      TRY(migration::import_settings({.root = line.get("root", "/"), .files = line.list("FILE")}));
  if (line.has("output")) TRY_VOID(write_imported(line, imported.text));
  report_settings(imported);
  if (line.json()) {
    print_json(imported_json(line, imported));
  } else if (line.has("output")) {
    fmt::print("wrote {}; to check it: lifeboat config check\n", line.get("output"));
  } else {
    fmt::print("{}", plain_lines(imported.text));
  }
  return imported.complete() ? kDone : kNo;
}

Result<int> check_or_show(const CommandLine& line, const std::string& action) {
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

constexpr std::array<std::string_view, 3> kActions = {"check", "show", "import"};

const std::vector<OptionOwners>& option_owners() {
  static const std::vector<OptionOwners> owners = {
      {"config", {"check", "show"}}, {"output", {"import"}}, {"root", {"import"}}, {"force", {"import"}}};
  return owners;
}

}  // namespace

Result<int> run_config(const Arguments& arguments) {
  CommandLine line(
      "config", "check|show|import [FILE...] [options]",
      "check: check the configuration. Exit code 1: it has an error, shown with file and line.\n"
      "show: print every setting in effect, in the format of the configuration file.\n"
      "import: print the settings of another crash dump tool (/etc/kdump.conf and /etc/sysconfig/kdump,\n"
      "or /etc/default/kdump-tools) as a configuration of lifeboat, and report what has no equivalent.\n"
      "Exit code 3: something has none.");
  // clang-format off
  line.options()
    ("output,o", Takes::text, "import: write the configuration to this file instead (/etc/lifeboat.conf.d/NAME.conf)")
    ("root", Takes::text, "import: the root folder of the system whose files are read (default: /)")
    ("force", "import: overwrite the file");
  // clang-format on
  line.positional("action");
  line.positional("FILE", -1);
  add_config_option(line);
  if (!TRY(line.parse(arguments))) return kDone;
  const std::string action = TRY(line.require("action"));
  if (std::ranges::find(kActions, action) == kActions.end()) {
    return std::unexpected(Error(ErrorCode::usage, fmt::format("config: there is no action '{}'", action))
                               .hint(suggest_name(action, kActions)));
  }
  TRY_VOID(line.check_owners(option_owners(), action));
  if (action == "import") return import_other(line);
  if (line.has("FILE")) return fail(ErrorCode::usage, "config {}: takes no FILE; see --config", action);
  return check_or_show(line, action);
}

}  // namespace lifeboat::cli
