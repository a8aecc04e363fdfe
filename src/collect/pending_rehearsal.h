// SPDX-License-Identifier: GPL-2.0-or-later
// The result of a rehearsal for real.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "src/arming/rehearsal_record.h"
#include "src/collect/stores.h"

namespace lifeboat::collect {

struct PendingRehearsalFiles {
  std::string pending, rehearsal;
};

// Resolves a pending rehearsal: was its crash saved as a whole dump, or without one as configured? Searches
// all crashes, also those of earlier runs. The result becomes the last rehearsal's record, and nothing is
// pending any more. nullopt: nothing is pending, or the crash has not happened yet (`boot_id` is that of this
// boot). After an error it stays pending for the next run: the record cannot be written, or there is no such
// crash, but it may be in a target that this run could not read (`all_seen` is false). `now`: seconds since
// the epoch.
Result<std::optional<arming::RehearsalRecord>> resolve_pending_rehearsal(std::span<const FoundCrash> crashes,
                                                                         bool all_seen,
                                                                         const PendingRehearsalFiles& files,
                                                                         const std::string& boot_id,
                                                                         uint64_t now);

}  // namespace lifeboat::collect
