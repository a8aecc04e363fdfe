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

// One crash may have been saved twice: incomplete on the first target, whole on the next.
std::optional<CrashOutcome> best_outcome(std::span<const FoundCrash> crashes, const std::string& boot_id) {
  std::optional<CrashOutcome> best;
  for (const auto& found : crashes) {
    if (is_of_boot(found.crash, boot_id))
      best = std::min(best.value_or(CrashOutcome::nothing), found.crash.outcome);
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
  const auto outcome = best_outcome(crashes, pending->boot_id);
  if (!outcome && !all_seen) {
    return fail(ErrorCode::not_found,
                "no dump of the rehearsal for real was found in the targets that can be read; run 'lifeboat "
                "collect' again when all targets can be read");
  }
  arming::RehearsalRecord record{.time = now,
                                 .real = true,
                                 .release = pending->release,
                                 .whole = outcome == CrashOutcome::whole,
                                 .initramfs_digest = pending->initramfs_digest};
  if (!outcome) record.problem = "no dump of that crash is in the store";
  if (outcome && !record.whole) record.problem = fmt::format("its dump: {}", outcome_name(*outcome));
  TRY_VOID(arming::save_rehearsal(record, files.rehearsal));
  TRY_VOID(arming::forget_pending_rehearsal(files.pending));
  return record;
}

}  // namespace lifeboat::collect
