// SPDX-License-Identifier: GPL-2.0-or-later
// What became of a rehearsal for real.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "src/arming/rehearsal_record.h"
#include "src/collect/stores.h"

namespace lifeboat::collect {

struct PromiseFiles {
  std::string promise, rehearsal;
};

// Did the crash that was ordered come to be a whole dump? It is looked for among all crashes, whoever has
// collected them: this run may not be the first that saw it. The answer becomes the last rehearsal's record,
// and the promise is gone. nullopt: nothing was promised, or the crash has not happened yet (`boot_id` is
// that of this boot). An error leaves the promise to the next run: the answer cannot be kept, or there is no
// such crash, but it might be where this run could not look (`all_seen` is false). `now`: seconds since the
// epoch.
Result<std::optional<arm::RehearsalRecord>> redeem_promise(std::span<const FoundCrash> crashes, bool all_seen,
                                                           const PromiseFiles& files,
                                                           const std::string& boot_id, uint64_t now);

}  // namespace lifeboat::collect
