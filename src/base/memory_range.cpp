// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/memory_range.h"

#include <algorithm>

namespace lifeboat {

std::vector<MemoryRange> normalized(std::vector<MemoryRange> ranges) {
  std::erase_if(ranges, [](const MemoryRange& range) { return range.begin >= range.end; });
  std::ranges::sort(ranges, {}, &MemoryRange::begin);
  std::vector<MemoryRange> joined;
  for (const auto& range : ranges) {
    if (!joined.empty() && range.begin <= joined.back().end) {
      joined.back().end = std::max(joined.back().end, range.end);
    } else {
      joined.push_back(range);
    }
  }
  return joined;
}

std::vector<MemoryRange> subtract(std::vector<MemoryRange> ranges, std::vector<MemoryRange> holes) {
  std::vector<MemoryRange> rest;
  const auto sorted_holes = normalized(std::move(holes));
  for (auto range : normalized(std::move(ranges))) {
    for (const auto& hole : sorted_holes) {
      if (hole.end <= range.begin) continue;
      if (hole.begin >= range.end) break;
      if (hole.begin > range.begin) rest.push_back({range.begin, hole.begin});
      range.begin = std::min(hole.end, range.end);
    }
    if (range.begin < range.end) rest.push_back(range);
  }
  return rest;
}

std::vector<MemoryRange> intersect(const std::vector<MemoryRange>& ranges, MemoryRange window) {
  std::vector<MemoryRange> inside;
  for (const auto& range : normalized(ranges)) {
    const MemoryRange part{std::max(range.begin, window.begin), std::min(range.end, window.end)};
    if (part.begin < part.end) inside.push_back(part);
  }
  return inside;
}

uint64_t total_size(const std::vector<MemoryRange>& ranges) {
  uint64_t total = 0;
  for (const auto& range : ranges) total += range.size();
  return total;
}

}  // namespace lifeboat
