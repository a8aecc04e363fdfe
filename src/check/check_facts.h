// SPDX-License-Identifier: GPL-2.0-or-later
// The facts that the points of `lifeboat check` are computed from.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loader/entries/boot_entry.h"
#include "loader/system_state.h"
#include "src/arming/capture_cpus.h"
#include "src/arming/loaded_state.h"
#include "src/arming/needs.h"
#include "src/collect/pstore.h"
#include "src/collect/pstore_driver.h"
#include "src/reservation/estimate.h"
#include "src/reservation/failed_reservation.h"
#include "src/reservation/reserved.h"
#include "src/reservation/setting.h"
#include "src/store/crash_list.h"
#include "src/store/prune.h"

namespace lifeboat::check {

// The store of a target whose file system is mounted here.
struct StoreFacts {
  std::string path;
  std::string real;               // its path without the symbolic links that were followed
  std::optional<Error> obstacle;  // in its path: a link that is not followed, or not a folder
  bool there = false;
  unsigned mode = 0700;     // permissions
  unsigned owner = 0;       // user
  bool read_only = false;   // mounted read-only
  bool unreadable = false;  // by this caller
  FileSystemSpace space;    // total 0: not known
  std::vector<StoredCrash> crashes;
};

// A driver that is needed to reach a target, or its file system.
struct DriverFacts {
  std::string name;      // of a module, or a modalias
  bool carried = false;  // in the initramfs, or built into the capture kernel
};

struct TargetFacts {
  std::string name;                 // "/var/crash/lifeboat", "UUID=... /crash"
  Result<LocalTarget> found;        // what the capture plan would contain
  std::optional<StoreFacts> store;  // nullopt: not mounted here
  std::vector<DriverFacts> drivers;
};

struct Watchdog {
  std::string name;    // "watchdog0", "/dev/watchdog"
  std::string driver;  // module; empty: built in, or not known
  bool runs = false;
  bool carried = true;  // its driver is in the initramfs, or built into the capture kernel
  // Its driver does not use the kernel's watchdog core: whether it runs is not known, and a load does not
  // include the driver.
  bool old = false;
  uint64_t pretimeout = 0;  // seconds before the reset; 0: none
  bool can_calm = true;     // the capture kernel has, or gets, the governor that ignores it
};

enum class UnitState {
  missing,
  masked,    // a link to /dev/null, or an empty file: systemd.unit(5)
  disabled,  // no other unit wants it
  enabled,
};

struct Facts {
  Result<config::Config> config;
  std::vector<std::string> missing_files;  // that the configuration names
  SystemState state;
  reservation::Reserved reserved;
  std::vector<reservation::ForeignParameter> foreign;  // crashkernel= that others set in the boot loader
  // What `reserve set` has set, and the running kernel does not have.
  std::optional<reservation::NextBoot> next_boot;
  std::optional<reservation::FailedReservation> failed_reservation;

  Result<std::string> kernel;          // path of the capture kernel
  std::string kernel_problem;          // why that file is not a capture kernel; empty: it is one
  std::string release;                 // of the capture kernel
  bool modules_there = false;          // its module tree has indexes
  std::vector<std::string> installed;  // releases of the kernels in /boot, the newest first

  Result<arming::Recipe> recipe;
  std::string initramfs;        // its path
  std::string stale;            // why it is out of date; empty: it is not
  uint64_t initramfs_time = 0;  // of its last change; 0: it does not exist
  std::string initramfs_digest;
  Result<reservation::Estimate> estimate;
  arming::CaptureCpus cpus;    // that a load would use now
  unsigned cpus_that_fit = 0;  // of them, into the reservation; 0: not known

  Result<BootEntry> boot_entry;  // that a load for the next reboot takes
  std::optional<arming::LoadedState> loaded;
  std::vector<std::string> changed;  // loaded files that have changed on disk since
  std::string command_line;          // that a load would use now; empty: not known

  std::vector<TargetFacts> targets;
  std::map<std::string, uint64_t> meminfo;  // bytes, by /proc/meminfo's names
  // Bytes of a dump of this machine as it is now, at the first configured level: its memory was looked at.
  // Not set where nothing asks for it; an error where the memory cannot be read (no root, lockdown).
  std::optional<Result<uint64_t>> measured_dump;
  std::map<std::string, std::string> settings;  // kernel.*, by name without "kernel."
  bool systemd = false;
  std::map<std::string, UnitState> units;  // those that `check` needs
  bool udev_rule = false;                  // lifeboat's, for hotplug
  std::vector<Watchdog> watchdogs;
  std::optional<arming::RehearsalRecord> rehearsal;
  std::vector<collect::PstoreRecord> pstore;  // without a saved crash
  collect::PstoreDriver pstore_driver;        // its module only if the running kernel has it

  [[nodiscard]] UnitState unit(const std::string& name) const {
    const auto found = units.find(name);
    return found == units.end() ? UnitState::missing : found->second;
  }
};

struct FactsRequest {
  SystemPaths paths;
  HostPaths host;
  Result<config::Config> config;
  Result<std::string> kernel;  // path of the capture kernel
  std::string release;         // of the capture kernel
  std::string command_line;    // as a load would set it
  arming::CaptureCpus cpus;    // the same
  std::string root;            // put in front of /etc, /usr, /boot, /var/lib/lifeboat; for tests
  std::string init;            // lifeboat-init; empty: this installation's
  std::string kmsg = "/dev/kmsg";
};

// What a load for a crash would load, with this configuration or, when it cannot be read, the defaults: that
// does not prevent the checks of other points.
FactsRequest request_for(Result<config::Config> config);

// Reads everything; what cannot be read is left out or holds an error.
Facts gather_facts(const FactsRequest& request);

}  // namespace lifeboat::check
