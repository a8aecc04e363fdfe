// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/disk_space.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "src/base/folders.h"
#include "src/base/log.h"
#include "src/base/size.h"
#include "src/base/sys.h"

namespace lifeboat::capture {
namespace {

// The log is the largest of the small files: a kernel's buffer of 2 MiB (log_buf_len=) makes at most 4 MiB of
// text. Both reports, the record and capture.log are a few 100 KiB, and so are the file system's blocks for
// their names.
constexpr uint64_t kSmallFilesSpace = 8_MiB;
constexpr const char* kTrial = ".lifeboat-space";

// Whether so much can be written. Only a trial shows it: free space may be reserved (ext4 keeps 16 MiB for
// itself, and some for root), or there is a quota.
Result<> try_to_allocate(int folder_fd, uint64_t bytes) {
  TRY_VOID(remove_file_at(folder_fd, kTrial));
  const UniqueFd file = TRY(open_at(folder_fd, kTrial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  TRY_VOID(remove_file_at(folder_fd, kTrial));
  if (sys::allocate(file.get(), 0, static_cast<off_t>(bytes)) != 0)
    return fail_errno("cannot reserve space for log and report");
  return {};
}

// ext4 and XFS reuse the blocks of a removed file only after their journal is on the disk, btrfs after its
// transaction is.
void settle(int store_fd) {
  if (sys::syncfs(store_fd) != 0)
    log::warning("cannot sync the store after removing crashes: {}", std::strerror(errno));
}

}  // namespace

Result<std::vector<StoredCrash>> DiskSpace::others() const {
  auto crashes = TRY(list_crashes(store_fd_));
  std::erase_if(crashes, [this](const StoredCrash& crash) { return kept_.contains(crash.name); });
  return crashes;
}

bool DiskSpace::take(std::span<const Removal> removals) {
  bool removed_any = false;
  for (const auto& removal : removals) {
    if (kept_.contains(removal.name)) continue;
    heartbeat_.beat();
    log::info("removing {}: {}", removal.name, removal.reason);
    if (const auto removed = remove_crash(store_fd_, removal.name, removal.id)) {
      removed_any = true;
    } else {
      log::warning("{}: {}", removal.name, removed.error().to_string());
      kept_.insert(removal.name);
    }
  }
  if (removed_any) settle(store_fd_);
  return removed_any;
}

void DiskSpace::make_small() {
  Result<> there;
  do {
    there = try_to_allocate(store_fd_, kSmallFilesSpace);
  } while (!there && there.error().code == ErrorCode::no_space && take_oldest());
  if (!there) log::warning("{}", there.error().to_string());
  // The trial file's blocks, too, are free again only after this.
  settle(store_fd_);
}

bool DiskSpace::take_oldest() {
  for (;;) {
    const auto crashes = others();
    if (!crashes) return false;
    const auto removals = plan_removal_for_space(*crashes);
    if (removals.empty()) return false;
    if (take(removals)) return true;
    // A crash that could not be removed is skipped from now on.
  }
}

void DiskSpace::apply(const Retention& retention) {
  const auto crashes = list_crashes(store_fd_);
  const auto space = file_system_space(store_fd_);
  if (crashes && space) take(plan_prune(*crashes, retention, *space, kept_));
}

}  // namespace lifeboat::capture
