// SPDX-License-Identifier: GPL-2.0-or-later
// Disk space for the crash that is being saved, by removing older ones: always the oldest first, and never
// the newest whole dump (prune.h has the rules). Failures are only logged: the step that needs the space
// reports that there is none.
#pragma once

#include <set>
#include <span>
#include <string>

#include "capture/run/supervise.h"
#include "src/store/prune.h"

namespace lifeboat::capture {

class DiskSpace {
 public:
  // Of the store that is open as `store_fd`, which is not owned. Calls `heartbeat` meanwhile.
  DiskSpace(int store_fd, Heartbeat& heartbeat) : store_fd_(store_fd), heartbeat_(heartbeat) {}

  // The crash that is being saved: it is never removed, whatever its time is.
  void keep(const std::string& name) { kept_.insert(name); }

  // For what must be saved even if the dump fails: log, report, record and capture.log.
  void make_small();

  // The file system was full while the dump was written. Removes the oldest crash that may be removed, and
  // waits until its blocks can be used again. False: none may or can be removed.
  bool take_oldest();

  // Once the dump is whole.
  void apply(const Retention& retention);

 private:
  // True: something was removed.
  bool take(std::span<const Removal> removals);
  Result<std::vector<StoredCrash>> others() const;

  int store_fd_;
  Heartbeat& heartbeat_;
  std::set<std::string> kept_;  // this crash, and those that cannot be removed
};

}  // namespace lifeboat::capture
