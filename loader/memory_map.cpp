// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/memory_map.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "src/base/bytes.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

constexpr uint64_t kPage = 4096;
constexpr std::string_view kSystemRam = "System RAM";
constexpr std::string_view kCrashKernel = "Crash kernel";
constexpr std::string_view kGart = "GART";

struct TypeName {
  std::string_view name;
  MemoryType type;
};
// arch/x86/kernel/e820.c, e820_type_to_string().
constexpr TypeName kTypeNames[] = {
    {kSystemRam, MemoryType::ram},
    {"Reserved", MemoryType::reserved},
    {"ACPI Tables", MemoryType::acpi_tables},
    {"ACPI Non-volatile Storage", MemoryType::acpi_nvs},
    {"Unusable memory", MemoryType::unusable},
    {"Persistent Memory", MemoryType::persistent},
    {"Persistent Memory (legacy)", MemoryType::persistent_legacy},
    {"Soft Reserved", MemoryType::soft_reserved},
};

std::optional<MemoryType> known_type(std::string_view name) {
  for (const auto& known : kTypeNames) {
    if (known.name == name) return known.type;
  }
  if (name == "reserved") return MemoryType::reserved;  // kernels before 5.0
  return std::nullopt;
}

std::vector<MemoryRange> ranges_named(const std::vector<Resource>& resources, std::string_view name) {
  std::vector<MemoryRange> ranges;
  for (const auto& resource : resources) {
    if (resource.name == name) ranges.push_back(resource.range);
  }
  return normalized(std::move(ranges));
}

std::vector<MemoryRange> whole_pages(const std::vector<MemoryRange>& ranges) {
  std::vector<MemoryRange> pages;
  for (const auto& range : ranges) {
    if (range.begin > UINT64_MAX - kPage) continue;
    const MemoryRange inner{align_up(range.begin, kPage), align_down(range.end, kPage)};
    if (inner.begin < inner.end) pages.push_back(inner);
  }
  return pages;
}

std::optional<MemoryMapEntry> read_firmware_entry(const std::string& folder) {
  const auto begin = read_line(folder + "/start");
  const auto last = read_line(folder + "/end");
  const auto type = read_line(folder + "/type");
  if (!begin || !last || !type) return std::nullopt;
  const auto first_address = parse_number(*begin, 16);
  const auto last_address = parse_number(*last, 16);
  if (!first_address || !last_address || *last_address < *first_address || *last_address == UINT64_MAX)
    return std::nullopt;
  return MemoryMapEntry{{*first_address, *last_address + 1}, memory_type_of(*type)};
}

void sort_map(std::vector<MemoryMapEntry>& map) {
  std::ranges::sort(map, {}, [](const MemoryMapEntry& entry) { return entry.range.begin; });
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

std::vector<MemoryRange> loadable_ram(const std::vector<Resource>& resources) {
  std::vector<MemoryRange> ram, holes;
  for (const auto& resource : resources) {
    if (resource.depth == 0 && resource.name == kSystemRam) ram.push_back(resource.range);
    const auto type = known_type(resource.name);
    if (resource.name == kCrashKernel || resource.name == kGart || (type && *type != MemoryType::ram))
      holes.push_back(resource.range);
  }
  return whole_pages(subtract(std::move(ram), std::move(holes)));
}

std::string_view memory_type_name(MemoryType type) {
  for (const auto& known : kTypeNames) {
    if (known.type == type) return known.name;
  }
  return "Reserved";
}

MemoryType memory_type_of(std::string_view name) {
  return known_type(name).value_or(MemoryType::reserved);
}

std::vector<MemoryMapEntry> firmware_map(const std::string& sys, const std::vector<Resource>& resources) {
  std::vector<MemoryMapEntry> map;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(sys + "/firmware/memmap", error)) {
    if (const auto parsed = read_firmware_entry(entry.path())) map.push_back(*parsed);
  }
  if (map.empty()) {
    for (const auto& resource : resources) {
      if (resource.depth != 0) continue;
      if (const auto type = known_type(resource.name)) map.push_back({resource.range, *type});
    }
  }
  sort_map(map);
  return map;
}

std::vector<MemoryMapEntry> capture_map(const std::vector<Resource>& resources,
                                        const std::vector<MemoryRange>& own) {
  std::vector<MemoryMapEntry> map;
  for (const auto& range : own) map.push_back({range, MemoryType::ram});
  for (const auto& range : intersect(dumpable_ram(resources), {0, 1_MiB}))
    map.push_back({range, MemoryType::ram});
  for (const auto& resource : resources) {
    const auto type = known_type(resource.name);
    // Soft Reserved: a driver could put it online as RAM and overwrite the memory to save.
    if (!type || *type == MemoryType::ram || *type == MemoryType::soft_reserved) continue;
    map.push_back({resource.range, *type});
  }
  sort_map(map);
  return map;
}

}  // namespace lifeboat
