// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/init/room.h"

#include <unistd.h>

#include "base/log.h"
#include "base/size.h"

namespace lifeboat::init {
namespace {

// The log is the largest of the small files: a kernel's buffer of 2 MiB (log_buf_len=) makes at most 4 MiB of
// text. Both reports, the record and capture.log are a few 100 KiB, and so is what the file system wants for
// their names.
constexpr uint64_t kSmallRoom = 8_MiB;

}  // namespace

Result<std::vector<StoredCrash>> Room::others() const {
  auto crashes = TRY(list_crashes(store_fd_));
  std::erase_if(crashes, [this](const StoredCrash& crash) { return kept_.contains(crash.name); });
  return crashes;
}

bool Room::take(std::span<const Removal> removals, const std::string& reason) {
  bool taken = false;
  for (const auto& removal : removals) {
    if (kept_.contains(removal.name)) continue;
    heartbeat_.beat();
    log::info("taking {} away: {}", removal.name, reason.empty() ? removal.reason : reason);
    if (const auto removed = remove_crash(store_fd_, removal.name)) {
      taken = true;
    } else {
      log::warning("{}: {}", removal.name, removed.error().to_string());
      kept_.insert(removal.name);
    }
  }
  // ext4 and XFS give blocks of a removed file out again only after their journal has said so on the disk.
  if (taken && ::syncfs(store_fd_) != 0) log::warning("cannot sync the store after making room");
  return taken;
}

void Room::make_small() {
  const auto crashes = others();
  const auto room = file_system_room(store_fd_);
  if (crashes && room) take(plan_prune(*crashes, {}, *room, kSmallRoom));
}

bool Room::take_oldest() {
  for (;;) {
    const auto crashes = others();
    if (!crashes) return false;
    // Full is what the file system calls full, whatever it says to be free: a quota may be used up. So the
    // plan is made for one that has nothing left, and ends with the first crash that gives something back.
    const auto removals = plan_prune(*crashes, {}, FileSystemRoom{}, 1);
    if (removals.empty()) return false;
    if (take(removals, "the target is full")) return true;
    // What could not be removed is passed over from now on.
  }
}

void Room::apply(const Retention& retention) {
  const auto crashes = list_crashes(store_fd_);
  const auto room = file_system_room(store_fd_);
  if (crashes && room) take(plan_prune(*crashes, retention, *room));
}

}  // namespace lifeboat::init
