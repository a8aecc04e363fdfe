// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/configuration.h"

#include "base/log.h"

namespace lifeboat::cli {

void add_config_option(CommandLine& line) {
  line.options().add_options()(
      "config", po::value<std::string>(),
      "this configuration file alone (default: /etc/lifeboat.conf and its drop-ins)");
}

Result<config::Config> read_config(const CommandLine& line) {
  if (!line.has("config")) return config::read_config({});
  const std::string path = line.get("config");
  // Asked for by name, it has to be there. One that is a FIFO would keep us waiting.
  TRY_VOID(open_file(path, O_RDONLY | O_NONBLOCK));
  return config::read_config({.file = path, .drop_ins = path + ".d/none"});
}

void add_store_option(CommandLine& line) {
  line.options().add_options()("store", po::value<std::string>(),
                               "the folder of crashes (default: the configured targets)");
}

Result<collect::OpenStores> open_stores(const CommandLine& line, const config::Config& config,
                                        collect::Access access, std::chrono::seconds patience) {
  if (!line.has("store")) return collect::open_stores(config.targets, access, patience);
  const std::string path = line.get("store");
  collect::OpenStores opened;
  auto store = TRY(collect::open_store(path));
  if (!store) return fail(ErrorCode::not_found, "there is no folder {}", path);
  opened.stores.push_back(*std::move(store));
  return opened;
}

int tell_problems(const std::vector<std::string>& problems) {
  for (const auto& problem : problems) log::warning("{}", problem);
  return problems.empty() ? kDone : kFailed;
}

}  // namespace lifeboat::cli
