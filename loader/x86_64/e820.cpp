// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/x86_64/e820.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "loader/memory_map.h"
#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat::x86_64 {
namespace {

struct TypeName {
  std::string_view name;
  MemoryType type;
};
// arch/x86/kernel/e820.c, e820_type_to_string().
constexpr TypeName kTypeNames[] = {
    {"System RAM", MemoryType::ram},
    {"Reserved", MemoryType::reserved},
    {"ACPI Tables", MemoryType::acpi_tables},
    {"ACPI Non-volatile Storage", MemoryType::acpi_nvs},
    {"Unusable memory", MemoryType::unusable},
    {"Persistent Memory", MemoryType::persistent},
    {"Persistent Memory (legacy)", MemoryType::persistent_legacy},
    {"Soft Reserved", MemoryType::soft_reserved},
    {"reserved", MemoryType::reserved},  // kernels before 5.0
};

std::optional<MemoryType> known_type(std::string_view name) {
  for (const auto& known : kTypeNames) {
    if (known.name == name) return known.type;
  }
  return std::nullopt;
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

std::string_view memory_type_name(MemoryType type) {
  for (const auto& known : kTypeNames) {
    if (known.type == type) return known.name;
  }
  return "Reserved";
}

MemoryType memory_type_of(std::string_view name) {
  return known_type(name).value_or(MemoryType::reserved);
}

std::span<const std::string_view> names_of_no_ram() {
  static const auto kNames = [] {
    std::vector<std::string_view> names;
    for (const auto& known : kTypeNames) {
      if (known.type != MemoryType::ram) names.push_back(known.name);
    }
    return names;
  }();
  return kNames;
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

}  // namespace lifeboat::x86_64
