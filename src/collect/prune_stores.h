// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat prune`: applies a retention to the stores of this machine (store/prune.h plans it).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "capture/plan/retention.h"
#include "src/collect/stores.h"
#include "src/store/prune.h"

namespace lifeboat::collect {

struct RemovedCrash {
  const Store* store;
  Removal removal;
};

struct Pruning {
  std::vector<RemovedCrash> removed;  // or with PruneMode::show: that would be
  std::vector<std::string> problems;  // "STORE: why"
};

enum class PruneMode { remove, show };

// Never fails as a whole: a store that cannot be read, or a crash that cannot be removed, is a problem and
// does not prevent the others. The result points to `stores`. `each` is called for every crash as soon as it
// is removed (or shown): one may take minutes, and whoever interrupts the rest must know which are gone.
Pruning prune_stores(std::span<const Store> stores, const Retention& retention, PruneMode mode,
                     const std::function<void(const RemovedCrash&)>& each = {});

}  // namespace lifeboat::collect
