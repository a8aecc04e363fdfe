// SPDX-License-Identifier: GPL-2.0-or-later
// The boot after a crash: what the capture kernel saved is looked at, completed, counted, and told.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arm/rehearsal_record.h"
#include "base/file.h"
#include "capture/crash_list.h"
#include "capture/prune.h"
#include "config/config.h"

namespace lifeboat::collect {

// Places that a test replaces.
struct CollectPaths {
  std::vector<std::string> pstore = {"/sys/fs/pstore", "/var/lib/systemd/pstore"};
  std::string notice = "/run/motd.d/lifeboat";
  std::string rehearsal = arm::kRehearsalFile;
  std::string promise = arm::kPromiseFile;
  std::string boot_id = "/proc/sys/kernel/random/boot_id";
};

struct CollectedCrash {
  std::string folder;  // path
  StoredCrash crash;   // with its record, as it is now
  size_t pstore_records = 0;
  std::vector<std::string> problems;
};

struct Collection {
  std::vector<CollectedCrash> crashes;  // new ones, the newest first
  std::vector<std::string> removed;     // by the retention: "FOLDER: reason"
  // How a rehearsal for real ended that this boot had to redeem.
  std::optional<arm::RehearsalRecord> rehearsal;
  std::vector<std::string> problems;
};

// One store, open. Crashes that have been collected before are left alone. Never fails as a whole: what could
// not be done is in `problems`. `now`: seconds since the epoch.
void collect_store(const std::string& path, int store_fd, const config::Config& config,
                   const CollectPaths& paths, uint64_t now, Collection& collection);

// After all stores: whether a rehearsal for real came out, and the notice for whoever logs in. The notice
// goes away when there is nothing new.
void finish_collection(const config::Config& config, const CollectPaths& paths, uint64_t now,
                       Collection& collection);

}  // namespace lifeboat::collect
