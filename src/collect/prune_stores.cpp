// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/collect/prune_stores.h"

namespace lifeboat::collect {
namespace {

Result<> prune_store(const Store& store, const Retention& retention, PruneMode mode,
                     const std::function<void(const RemovedCrash&)>& each, Pruning& pruning) {
  std::vector<std::string> unreadable;
  const auto crashes = TRY(list_crashes(store.fd.get(), &unreadable));
  for (const auto& problem : unreadable)
    pruning.problems.push_back(fmt::format("{}: {}", store.name(), problem));
  for (auto& removal : plan_prune(crashes, retention, TRY(file_system_space(store.fd.get())))) {
    const auto removed =
        mode == PruneMode::show ? Result<>() : remove_crash(store.fd.get(), removal.name, removal.id);
    if (removed) {
      pruning.removed.push_back({&store, std::move(removal)});
      if (each) each(pruning.removed.back());
    } else {
      pruning.problems.push_back(
          fmt::format("{}: {}", store.crash_name(removal.name), removed.error().to_string()));
    }
  }
  return {};
}

}  // namespace

Pruning prune_stores(std::span<const Store> stores, const Retention& retention, PruneMode mode,
                     const std::function<void(const RemovedCrash&)>& each) {
  Pruning pruning;
  for (const auto& store : stores) {
    if (const auto done = prune_store(store, retention, mode, each, pruning); !done)
      pruning.problems.push_back(fmt::format("{}: {}", store.name(), done.error().to_string()));
  }
  return pruning;
}

}  // namespace lifeboat::collect
