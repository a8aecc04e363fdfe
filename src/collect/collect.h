// SPDX-License-Identifier: GPL-2.0-or-later
// The boot after a crash: completes what the capture kernel saved, applies the retention, and reports it.
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

// Paths that a test replaces.
struct CollectPaths {
  std::vector<std::string> pstore = {"/sys/fs/pstore", "/var/lib/systemd/pstore"};
  std::string notice = "/run/motd.d/lifeboat";
  std::string rehearsal = arming::kRehearsalFile;
  std::string pending = arming::kPendingRehearsalFile;
  std::string boot_id = "/proc/sys/kernel/random/boot_id";
};

struct CollectedCrash {
  std::string folder;  // path; with a `device`: from the root of its file system on
  std::string device;  // must be mounted to read it; empty: it is mounted
  StoredCrash crash;   // with its updated record
  size_t pstore_records = 0;
  std::vector<std::string> problems;
};

// Another try of [collect] command, for a crash of an earlier run.
struct CommandRetry {
  std::string folder, device;  // as in CollectedCrash
  bool succeeded = false;      // else it is in the collection's problems
};

// Records of pstore for a crash of an earlier run: of a driver that was loaded only after it.
struct LatePstore {
  std::string folder, device;  // as in CollectedCrash
  size_t records = 0;
};

struct Collection {
  std::vector<CollectedCrash> crashes;  // new ones, the newest first
  std::vector<CommandRetry> retried;
  std::optional<LatePstore> pstore_late;
  std::vector<std::string> removed;  // by the retention: "FOLDER: reason"
  // Records in pstore, or where systemd moved them, without a saved crash: older than the new crashes, or of
  // a crash whose capture kernel did not start.
  std::vector<PstoreRecord> pstore_left;
  // The result of a pending rehearsal that this run resolved.
  std::optional<arming::RehearsalRecord> rehearsal;
  std::vector<std::string> problems;  // with those of `stores`
};

enum class Scope {
  machine,  // the stores are all that the machine has
  folder,   // one given folder, possibly of another machine: the pstore records, the pending rehearsal and
            // the notice of this machine are not touched
};

// Completes each crash that has not been collected before, tries [collect] command again where it failed, and
// applies the retention, which removes nothing that is new in this boot. Then, for the whole machine: moves
// the records of a late driver of pstore to the newest crash, resolves a pending rehearsal, and writes a
// login notice about the crashes that are new in this boot, whether this run has collected them or an earlier
// one; no notice when there is none. Never fails as a whole: errors are in `problems`, of the crash or of the
// collection. `now`: seconds since the epoch.
Collection collect(const OpenStores& stores, const config::Config& config, Scope scope,
                   const CollectPaths& paths, uint64_t now);

}  // namespace lifeboat::collect
