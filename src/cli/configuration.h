// SPDX-License-Identifier: GPL-2.0-or-later
// What the commands that use the configuration and the store have in common.
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
// which must exist.
void add_store_option(CommandLine& line);
Result<collect::OpenStores> open_stores(const CommandLine& line, const config::Config& config,
                                        collect::Access access);

// --wait SECONDS, for devices of targets that have not appeared yet.
void add_wait_option(CommandLine& line, const char* help);
Result<std::chrono::seconds> read_wait(const CommandLine& line);

// Logs the problems that did not stop a command, as warnings, at its end. kFailed when there are any.
int report_problems(const std::vector<std::string>& problems);

}  // namespace lifeboat::cli
