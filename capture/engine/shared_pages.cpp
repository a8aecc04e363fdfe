// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/shared_pages.h"

#include <algorithm>
#include <bit>

namespace lifeboat {

SharedPages::SharedPages(size_t bytes) {
  const size_t sets = bytes / (kWays * sizeof(StoredCopy));
  if (sets > 0) copies_.resize(std::bit_floor(sets) * kWays);
}

size_t SharedPages::first_way(uint64_t hash) const {
  return hash % (copies_.size() / kWays) * kWays;
}

const StoredCopy* SharedPages::Access::find(uint64_t hash) const {
  const auto& copies = pages_.copies_;
  if (copies.empty()) return nullptr;
  const size_t first = pages_.first_way(hash);
  for (size_t way = first; way < first + kWays; ++way) {
    if (copies[way].hash == hash && copies[way].descriptor.size != 0) return &copies[way];
  }
  return nullptr;
}

void SharedPages::Access::add(const StoredCopy& copy) {
  auto& copies = pages_.copies_;
  if (copies.empty()) return;
  // The newest is first; the oldest of the set is forgotten.
  const auto set = copies.begin() + static_cast<std::ptrdiff_t>(pages_.first_way(copy.hash));
  std::move_backward(set, set + kWays - 1, set + kWays);
  *set = copy;
}

}  // namespace lifeboat
