// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/configuration.h"

namespace lifeboat::cli {

void add_config_option(CommandLine& line) {
  line.options().add_options()(
      "config", po::value<std::string>(),
      "this configuration file alone (default: /etc/lifeboat.conf and its drop-ins)");
}

Result<config::Config> read_config(const CommandLine& line) {
  if (!line.has("config")) return config::read_config({});
  const std::string path = line.get("config");
  // Asked for by name, it has to be there.
  TRY_VOID(open_file(path, O_RDONLY));
  return config::read_config({.file = path, .drop_ins = path + ".d/none"});
}

void add_store_option(CommandLine& line) {
  line.options().add_options()("store", po::value<std::string>(),
                               "the folder of crashes (default: the configured targets)");
}

Result<std::vector<Store>> open_stores(const CommandLine& line, const config::Config& config) {
  std::vector<std::string> paths;
  if (line.has("store")) {
    paths.push_back(line.get("store"));
  } else {
    for (const auto& target : config.targets) {
      if (target.device.empty()) paths.push_back(target.path);
    }
  }
  std::vector<Store> stores;
  for (const auto& path : paths) {
    auto fd = open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (fd) {
      stores.push_back({path, *std::move(fd)});
    } else if (fd.error().code == ErrorCode::no_permission) {
      return std::unexpected(std::move(fd).error().hint("crashes are root's alone: run this as root"));
    } else if (fd.error().code != ErrorCode::not_found || line.has("store")) {
      return std::unexpected(std::move(fd).error());
    }
  }
  return stores;
}

}  // namespace lifeboat::cli
