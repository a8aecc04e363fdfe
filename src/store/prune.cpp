// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/store/prune.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <ranges>

#include "src/base/size.h"

namespace lifeboat {
namespace {

// The use of the store after the removals planned so far.
struct StoreUse {
  size_t count = 0;
  uint64_t bytes = 0;
  uint64_t free = 0;
};

// A dump of the same machine may be as large as one before it.
uint64_t expected_dump(std::span<const StoredCrash> crashes) {
  uint64_t largest = 0;
  for (const auto& crash : crashes)
    if (crash.outcome == CrashOutcome::whole) largest = std::max(largest, crash.bytes);
  return largest;
}

std::string less_free_than(const Amount& wanted) {
  if (!wanted.next_dump) return fmt::format("less than {} free", format_amount(wanted));
  return fmt::format("less free than the next dump may take, {}", format_size(wanted.bytes));
}

// Which limit is exceeded; empty: none.
std::string exceeded_limit(const StoreUse& now, const Retention& retention, const FileSystemSpace& space) {
  if (retention.keep && now.count > *retention.keep)
    return fmt::format("more than {} crashes", *retention.keep);
  if (retention.max_size && now.bytes > retention.max_size->of(space.total))
    return fmt::format("more than {} of crashes", format_amount(*retention.max_size));
  if (retention.min_free && now.free < retention.min_free->of(space.total))
    return less_free_than(*retention.min_free);
  return {};
}

}  // namespace

std::set<size_t> never_removed(std::span<const StoredCrash> crashes) {
  std::set<size_t> kept;
  const auto keep = [&](auto found) {
    if (found != crashes.end()) kept.insert(static_cast<size_t>(found - crashes.begin()));
  };
  keep(std::ranges::find_if(crashes, &StoredCrash::complete));
  keep(std::ranges::find(crashes, CrashOutcome::whole, &StoredCrash::outcome));
  if (kept.empty()) kept.insert(0);
  return kept;
}

Result<FileSystemSpace> file_system_space(int folder_fd) {
  struct statvfs status{};
  if (::fstatvfs(folder_fd, &status) != 0) return fail_errno("cannot read the free space of the store");
  return FileSystemSpace{.total = uint64_t{status.f_blocks} * status.f_frsize,
                         .free = uint64_t{status.f_bfree} * status.f_frsize};
}

std::vector<Removal> plan_prune(std::span<const StoredCrash> crashes, Retention retention,
                                const FileSystemSpace& space, const std::set<std::string>& spared) {
  if (auto& wanted = retention.min_free; wanted && wanted->next_dump)
    wanted->bytes = std::max(wanted->bytes, expected_dump(crashes));
  StoreUse now{.count = crashes.size(), .free = space.free};
  for (const auto& crash : crashes) now.bytes += crash.bytes;
  const std::set<size_t> kept = never_removed(crashes);
  std::vector<Removal> removals;
  for (size_t index = crashes.size(); index-- > 1;) {
    const auto& crash = crashes[index];
    if (kept.contains(index) || spared.contains(crash.name)) continue;
    std::string reason = exceeded_limit(now, retention, space);
    if (reason.empty()) break;
    removals.push_back({crash.name, crash.id, crash.bytes, std::move(reason)});
    --now.count;
    now.bytes -= crash.bytes;
    now.free += crash.bytes;
  }
  return removals;
}

std::vector<Removal> plan_removal_for_space(std::span<const StoredCrash> crashes) {
  const std::set<size_t> kept = never_removed(crashes);
  std::vector<Removal> removals;
  for (size_t index = crashes.size(); index-- > 0;) {
    if (kept.contains(index)) continue;
    const auto& crash = crashes[index];
    removals.push_back({crash.name, crash.id, crash.bytes, "the target is full"});
    if (crash.bytes != 0) break;
  }
  return removals;
}

}  // namespace lifeboat
