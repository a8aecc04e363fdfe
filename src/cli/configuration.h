// SPDX-License-Identifier: GPL-2.0-or-later
// What the commands have in common that follow the configuration and work on the store.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "cli/command.h"
#include "config/config.h"

namespace lifeboat::cli {

// --config FILE: that file alone, without drop-ins; for tests, and to try one out.
void add_config_option(CommandLine& line);
Result<config::Config> read_config(const CommandLine& line);

// The folders of crashes on this machine: --store, else the configured targets that are mounted here. Those
// that do not exist yet are left out; they hold nothing.
struct Store {
  std::string path;
  UniqueFd fd;
};
void add_store_option(CommandLine& line);
Result<std::vector<Store>> open_stores(const CommandLine& line, const config::Config& config);

}  // namespace lifeboat::cli
