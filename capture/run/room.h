// SPDX-License-Identifier: GPL-2.0-or-later
// Room for the crash that is being saved, at the cost of older ones: always the oldest first, and never the
// newest whole dump (prune.h has the rules). What cannot be done is only logged: the work that wants the room
// will say itself that there is none.
#pragma once

#include <set>
#include <span>
#include <string>

#include "capture/run/supervise.h"
#include "src/store/prune.h"

namespace lifeboat::capture {

class Room {
 public:
  // Of the store that is open as `store_fd`, which is not owned. `heartbeat` is beaten meanwhile.
  Room(int store_fd, Heartbeat& heartbeat) : store_fd_(store_fd), heartbeat_(heartbeat) {}

  // The crash that is being saved: it is not taken away, whatever its time is.
  void keep(const std::string& name) { kept_.insert(name); }

  // For what has to be saved whatever becomes of the dump: log, report, record and capture.log.
  void make_small();

  // The file system said that it is full while the dump was written. Takes the oldest crash away that may go,
  // and waits until its blocks can be used again. False: none may, or none can.
  bool take_oldest();

  // Once the dump is whole.
  void apply(const Retention& retention);

 private:
  // True: something was taken away.
  bool take(std::span<const Removal> removals);
  Result<std::vector<StoredCrash>> others() const;

  int store_fd_;
  Heartbeat& heartbeat_;
  std::set<std::string> kept_;  // this crash, and those that cannot be removed
};

}  // namespace lifeboat::capture
