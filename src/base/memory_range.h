// SPDX-License-Identifier: GPL-2.0-or-later
// Ranges of physical memory, and the difference and intersection of sets of them.
#pragma once

#include <cstdint>
#include <vector>

namespace lifeboat {

struct MemoryRange {
  uint64_t begin = 0;
  uint64_t end = 0;  // the first address behind it
  [[nodiscard]] uint64_t size() const { return end - begin; }
  bool operator==(const MemoryRange&) const = default;
};

// Sorted, without empty ones, and with touching and overlapping ones joined.
std::vector<MemoryRange> normalized(std::vector<MemoryRange> ranges);
// `ranges` less `holes`, normalized.
std::vector<MemoryRange> subtract(std::vector<MemoryRange> ranges, std::vector<MemoryRange> holes);
// What of `ranges` lies in `window`, normalized.
std::vector<MemoryRange> intersect(const std::vector<MemoryRange>& ranges, MemoryRange window);
uint64_t total_size(const std::vector<MemoryRange>& ranges);

}  // namespace lifeboat
