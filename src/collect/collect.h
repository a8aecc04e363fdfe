// SPDX-License-Identifier: GPL-2.0-or-later
// The boot after a crash: what the capture kernel saved is looked at, completed, counted, and told.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/arming/rehearsal_record.h"
#include "src/collect/late_report.h"
#include "src/collect/pstore.h"
#include "src/collect/stores.h"
#include "src/config/config.h"
#include "src/store/crash_list.h"

namespace lifeboat::collect {

// Places that a test replaces.
struct CollectPaths {
  std::vector<std::string> pstore = {"/sys/fs/pstore", "/var/lib/systemd/pstore"};
  std::string notice = "/run/motd.d/lifeboat";
  std::string rehearsal = arming::kRehearsalFile;
  std::string pending = arming::kPendingRehearsalFile;
  std::string boot_id = "/proc/sys/kernel/random/boot_id";
};

struct CollectedCrash {
  std::string folder;  // path; with a `device`: from the root of its file system on
  std::string device;  // that has to be mounted to read it; empty: it is
  StoredCrash crash;   // with its record, as it is now
  size_t pstore_records = 0;
  std::vector<std::string> problems;
};

// [collect] command once more, for a crash of an earlier run.
struct CommandRetry {
  std::string folder, device;  // as in CollectedCrash
  bool succeeded = false;      // else it is in the collection's problems
};

struct Collection {
  std::vector<CollectedCrash> crashes;  // new ones, the newest first
  std::vector<CommandRetry> retried;
  std::vector<std::string> removed;  // by the retention: "FOLDER: reason"
  // That lie in pstore, or where systemd moved them, and that no saved crash has: older than the crashes that
  // are new, or of a crash whose capture kernel never started.
  std::vector<PstoreRecord> pstore_left;
  // How a rehearsal for real ended that this boot had to redeem.
  std::optional<arming::RehearsalRecord> rehearsal;
  std::vector<std::string> problems;  // with those of `stores`
};

enum class Scope {
  machine,  // the stores are all that the machine has
  folder,   // one that was named, of whatever machine: what is this machine's own is left alone, which is the
            // records of pstore, the pending of a rehearsal, and the notice
};

// Completes each crash that has not been collected before, tries [collect] command again where it failed, and
// applies the retention, which takes nothing away that is new in this boot. Then, of the whole
// machine: says whether a rehearsal for real came out, and leaves a notice for whoever logs in of the crashes
// that are new in this boot, whether this run has collected them or an earlier one; no notice when there is
// none. Never fails as a whole: what could not be done is in `problems`, of the crash or of the collection.
// `now`: seconds since the epoch.
Collection collect(const OpenStores& stores, const config::Config& config, Scope scope,
                   const CollectPaths& paths, uint64_t now);

}  // namespace lifeboat::collect
