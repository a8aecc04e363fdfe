// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/pending_rehearsal.h"

#include <algorithm>

namespace lifeboat::collect {
namespace {

// By its record, else by the beginning of the boot's id in its folder's name.
bool is_of_boot(const StoredCrash& crash, const std::string& boot_id) {
  if (boot_id.empty()) return false;
  if (crash.record && !crash.record->boot_id.empty()) return crash.record->boot_id == boot_id;
  const std::string beginning = "-" + boot_id.substr(0, boot_id.find('-'));
  const auto at = crash.name.find(beginning);
  if (at == std::string::npos) return false;
  const size_t end = at + beginning.size();
  return end == crash.name.size() || crash.name[end] == '-';
}

// One crash may have been saved twice: incomplete on the first target, whole on the next. nullptr: there is
// none of that boot.
const StoredCrash* best_crash(std::span<const FoundCrash> crashes, const std::string& boot_id) {
  const StoredCrash* best = nullptr;
  for (const auto& found : crashes) {
    if (!is_of_boot(found.crash, boot_id)) continue;
    const bool better = best == nullptr || (found.crash.complete() && !best->complete()) ||
                        (found.crash.complete() == best->complete() && found.crash.outcome < best->outcome);
    if (better) best = &found.crash;
  }
  return best;
}

}  // namespace

Result<std::optional<arming::RehearsalRecord>> resolve_pending_rehearsal(std::span<const FoundCrash> crashes,
                                                                         bool all_seen,
                                                                         const PendingRehearsalFiles& files,
                                                                         const std::string& boot_id,
                                                                         uint64_t now) {
  const auto pending = arming::read_pending_rehearsal(files.pending);
  if (!pending || boot_id == pending->boot_id) return std::nullopt;
  const StoredCrash* const crash = best_crash(crashes, pending->boot_id);
  if (crash == nullptr && !all_seen) {
    return fail(ErrorCode::not_found,
                "no dump of the rehearsal for real was found in the targets that can be read; run 'lifeboat "
                "collect' again when all targets can be read");
  }
  arming::RehearsalRecord record{
      .time = now,
      .real = true,
      .release = pending->release,
      .whole = crash != nullptr && crash->outcome == CrashOutcome::whole,
      .log_only = crash != nullptr && crash->complete() && crash->outcome == CrashOutcome::log_only,
      .initramfs_digest = pending->initramfs_digest};
  if (crash == nullptr) {
    record.problem = "no dump of that crash is in the store";
  } else if (!record.succeeded()) {
    record.problem = fmt::format("its dump: {}", outcome_name(crash->outcome));
  }
  TRY_VOID(arming::save_rehearsal(record, files.rehearsal));
  TRY_VOID(arming::forget_pending_rehearsal(files.pending));
  return record;
}

}  // namespace lifeboat::collect
