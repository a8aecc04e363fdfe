// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/configuration.h"

#include "src/base/log.h"

namespace lifeboat::cli {

void add_config_option(CommandLine& line) {
  line.options()("config", Takes::text,
                 "read only this configuration file (default: /etc/lifeboat.conf and its drop-ins)");
}

Result<config::Config> read_config(const CommandLine& line) {
  if (!line.has("config")) return config::read_config({});
  const std::string path = line.get("config");
  // A file that was named must exist. O_NONBLOCK: a FIFO must not block this program.
  TRY_VOID(open_file(path, O_RDONLY | O_NONBLOCK));
  return config::read_config({.file = path, .drop_ins = path + ".d/none"});
}

void add_store_option(CommandLine& line) {
  line.options()("store", Takes::text, "the folder that holds the crashes (default: the configured targets)");
}

Result<collect::OpenStores> open_stores(const CommandLine& line, const config::Config& config,
                                        collect::Access access) {
  if (!line.has("store")) return collect::open_stores(config.targets, access);
  const std::string path = line.get("store");
  collect::OpenStores opened;
  auto store = TRY(collect::open_store(path));
  if (!store) return fail(ErrorCode::not_found, "there is no folder {}", path);
  opened.stores.push_back(*std::move(store));
  return opened;
}

void add_wait_option(CommandLine& line, const char* help) {
  line.options()("wait", Takes::number, help);
}

Result<std::chrono::seconds> read_wait(const CommandLine& line) {
  const std::chrono::seconds wait(line.get("wait", 0));
  if (wait.count() >= 0 && wait.count() <= 3600) return wait;
  return fail(ErrorCode::usage, "--wait must be a number of seconds from 0 to 3600");
}

int report_problems(const std::vector<std::string>& problems) {
  for (const auto& problem : problems) log::warning("{}", problem);
  return problems.empty() ? kDone : kFailed;
}

}  // namespace lifeboat::cli
