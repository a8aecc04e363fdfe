// SPDX-License-Identifier: GPL-2.0-or-later
// What the commands have in common that follow the configuration and work on the store.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "src/cli/command.h"
#include "src/collect/stores.h"
#include "src/config/config.h"

namespace lifeboat::cli {

// --config FILE: that file alone, without drop-ins; for tests, and to try one out.
void add_config_option(CommandLine& line);
Result<config::Config> read_config(const CommandLine& line);

// The folders of crashes on this machine: those of the configured targets, or the one that --store names,
// which has to be there.
void add_store_option(CommandLine& line);
Result<collect::OpenStores> open_stores(const CommandLine& line, const config::Config& config,
                                        collect::Access access);

// --wait SECONDS, for devices of targets that are not there yet.
void add_wait_option(CommandLine& line, const char* help);
Result<std::chrono::seconds> read_wait(const CommandLine& line);

// What did not work, at the end of a command that went on without it: as warnings. kFailed when there is any.
int tell_problems(const std::vector<std::string>& problems);

}  // namespace lifeboat::cli
