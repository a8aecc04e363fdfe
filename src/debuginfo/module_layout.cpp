// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/debuginfo/module_layout.h"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>

namespace lifeboat {
namespace {

// A name that only one function has; several static ones may share one.
struct Function {
  uint64_t address = 0;
  size_t section = 0;
  bool unique = true;
};

}  // namespace

Result<ModuleLayout> ModuleLayout::find(const DebugFile& file, const std::vector<LoadedFunction>& loaded) {
  std::unordered_map<std::string, Function> in_file, in_memory;
  const auto note = [](auto& functions, std::string_view name, const Function& function) {
    const auto [place, is_new] = functions.emplace(std::string(name), function);
    if (!is_new) place->second.unique = false;
  };
  file.visit_functions([&](std::string_view name, uint64_t address, size_t section) {
    note(in_file, name, {address, section});
  });
  for (const auto& function : loaded) note(in_memory, function.name, {function.address});
  std::map<size_t, uint64_t> distances;  // by section
  for (const auto& [name, function] : in_file) {
    const auto place = in_memory.find(name);
    if (!function.unique || place == in_memory.end() || !place->second.unique) continue;
    const uint64_t distance = place->second.address - function.address;
    if (distances.emplace(function.section, distance).first->second != distance)
      return fail(ErrorCode::corrupt, "{} is of another build: {}() is at another offset", file.path(), name);
  }
  if (distances.empty())
    return fail(ErrorCode::corrupt, "{} is of another module: they have no function in common", file.path());
  ModuleLayout layout;
  for (const auto& [section, distance] : distances) {
    const auto range = file.section(section);
    layout.pieces_.push_back({range.start + distance, range.end + distance, distance});
  }
  return layout;
}

std::optional<uint64_t> ModuleLayout::to_file(uint64_t address) const {
  const auto piece = std::ranges::find_if(
      pieces_, [address](const Piece& one) { return address >= one.start && address < one.end; });
  return piece == pieces_.end() ? std::nullopt : std::optional(address - piece->distance);
}

}  // namespace lifeboat
