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

// "  2d000000-3cffffff": the last address is included.
std::optional<MemoryRange> parse_range(std::string_view text) {
  const size_t dash = text.find('-');
  if (dash == text.npos) return std::nullopt;
  const auto begin = parse_number(text.substr(0, dash), 16);
  const auto last = parse_number(text.substr(dash + 1), 16);
  if (!begin || !last || *last < *begin || *last == UINT64_MAX) return std::nullopt;
  return MemoryRange{*begin, *last + 1};
}

// Two spaces for each level; at the depth of a hundred this is no /proc/iomem.
Result<Resource> parse_line(std::string_view line, size_t number) {
  constexpr std::string_view kSeparator = " : ";
  const size_t indent = std::min(line.find_first_not_of(' '), line.size());
  const size_t separator = line.find(kSeparator, indent);
  const auto range =
      separator == line.npos ? std::nullopt : parse_range(line.substr(indent, separator - indent));
  if (!range || indent > 200)
    return fail(ErrorCode::corrupt, "line {} of iomem is not \"BEGIN-END : NAME\"", number);
  return Resource{*range, static_cast<int>(indent / 2),
                  std::string(line.substr(separator + kSeparator.size()))};
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

Result<std::vector<Resource>> parse_iomem(std::string_view text) {
  std::vector<Resource> resources;
  size_t number = 0;
  bool all_zero = true;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty()) continue;
    resources.push_back(TRY(parse_line(line, number)));
    all_zero = all_zero && resources.back().range == MemoryRange{0, 1};
  }
  if (resources.empty()) return fail(ErrorCode::corrupt, "iomem lists no memory at all");
  if (all_zero) {
    return std::unexpected(
        Error(ErrorCode::no_permission, "the kernel hides the addresses in iomem from this caller")
            .hint("run this as root"));
  }
  return resources;
}

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
    // Soft Reserved: a driver could put it online as RAM, over what is to be saved.
    if (!type || *type == MemoryType::ram || *type == MemoryType::soft_reserved) continue;
    map.push_back({resource.range, *type});
  }
  sort_map(map);
  return map;
}

}  // namespace lifeboat
