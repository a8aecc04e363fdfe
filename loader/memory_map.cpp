// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/memory_map.h"

#include <algorithm>

#include "src/base/bytes.h"

namespace lifeboat {
namespace {

constexpr std::string_view kSystemRam = "System RAM";
constexpr std::string_view kCrashKernel = "Crash kernel";
constexpr std::string_view kGart = "GART";

std::vector<MemoryRange> ranges_named(const std::vector<Resource>& resources, std::string_view name) {
  std::vector<MemoryRange> ranges;
  for (const auto& resource : resources) {
    if (resource.name == name) ranges.push_back(resource.range);
  }
  return normalized(std::move(ranges));
}

}  // namespace

std::vector<MemoryRange> crash_reservation(const std::vector<Resource>& resources) {
  return ranges_named(resources, kCrashKernel);
}

std::vector<MemoryRange> dumpable_ram(const std::vector<Resource>& resources) {
  std::vector<MemoryRange> ram;
  for (const auto& resource : resources) {
    if (resource.name == kSystemRam || resource.name.starts_with("System RAM ("))
      ram.push_back(resource.range);
  }
  return subtract(std::move(ram), ranges_named(resources, kGart));
}

std::vector<MemoryRange> loadable_ram(const std::vector<Resource>& resources,
                                      std::span<const std::string_view> no_ram, uint64_t page_size) {
  std::vector<MemoryRange> ram, holes;
  for (const auto& resource : resources) {
    if (resource.depth == 0 && resource.name == kSystemRam) ram.push_back(resource.range);
    if (resource.name == kCrashKernel || resource.name == kGart ||
        std::ranges::find(no_ram, resource.name) != no_ram.end())
      holes.push_back(resource.range);
  }
  return whole_pages(subtract(std::move(ram), std::move(holes)), page_size);
}

std::vector<MemoryRange> whole_pages(const std::vector<MemoryRange>& ranges, uint64_t page_size) {
  std::vector<MemoryRange> pages;
  for (const auto& range : ranges) {
    if (range.begin > UINT64_MAX - page_size) continue;
    const MemoryRange inner{align_up(range.begin, page_size), align_down(range.end, page_size)};
    if (inner.begin < inner.end) pages.push_back(inner);
  }
  return pages;
}

}  // namespace lifeboat
