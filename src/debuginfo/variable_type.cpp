// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/debuginfo/variable_type.h"

#include <dwarf.h>
#include <fmt/core.h>

namespace lifeboat {
namespace {

// A kernel has five million entries at the top of its units.
constexpr size_t kMaxEntries = 100'000'000;
constexpr int kMaxLayers = 32;  // of pointers, arrays and qualifiers
constexpr size_t kMaxDimensions = 8;

bool lies_at(Dwarf_Die& variable, Dwarf_Addr address) {
  Dwarf_Attribute attribute;
  Dwarf_Op* operations = nullptr;
  size_t count = 0;
  return dwarf_getlocation(dwarf_attr(&variable, DW_AT_location, &attribute), &operations, &count) == 0 &&
         count == 1 && operations[0].atom == DW_OP_addr && operations[0].number == address;
}

bool next_type(Dwarf_Die& entry) {
  // Of a definition apart from its declaration: the declaration's.
  Dwarf_Attribute attribute;
  Dwarf_Die type;
  if (dwarf_formref_die(dwarf_attr_integrate(&entry, DW_AT_type, &attribute), &type) == nullptr) return false;
  entry = type;
  return true;
}

// "[4][2]". nullopt: a length that is not known.
std::optional<std::string> dimensions_of(Dwarf_Die& array) {
  std::string text;
  size_t count = 0;
  Dwarf_Die range;
  for (int more = dwarf_child(&array, &range); more == 0; more = dwarf_siblingof(&range, &range)) {
    if (dwarf_tag(&range) != DW_TAG_subrange_type) continue;
    if (++count > kMaxDimensions) return std::nullopt;
    Dwarf_Attribute attribute;
    Dwarf_Word length = 0;
    if (dwarf_formudata(dwarf_attr(&range, DW_AT_count, &attribute), &length) != 0) {
      if (dwarf_formudata(dwarf_attr(&range, DW_AT_upper_bound, &attribute), &length) != 0)
        return std::nullopt;
      ++length;
    }
    text += fmt::format("[{}]", length);
  }
  return text;
}

std::optional<std::string> spell(std::string_view keyword, Dwarf_Die& type, const std::string& stars,
                                 const std::string& dimensions) {
  const char* name = dwarf_diename(&type);
  if (name == nullptr) return std::nullopt;
  const std::string_view space = stars.empty() && dimensions.empty() ? "" : " ";
  return fmt::format("{}{}{}{}{}", keyword, name, space, stars, dimensions);
}

// `entry`: the variable, then what its type is made of, layer by layer.
std::optional<std::string> spell_type(Dwarf_Die entry) {
  std::string stars, dimensions;
  for (int layer = 0; layer < kMaxLayers; ++layer) {
    if (!next_type(entry))
      return stars.empty() ? std::nullopt : std::optional(fmt::format("void {}{}", stars, dimensions));
    switch (dwarf_tag(&entry)) {
      case DW_TAG_base_type:
      case DW_TAG_typedef:
        return spell("", entry, stars, dimensions);
      case DW_TAG_structure_type:
        return spell("struct ", entry, stars, dimensions);
      case DW_TAG_union_type:
        return spell("union ", entry, stars, dimensions);
      case DW_TAG_enumeration_type:
        return spell("enum ", entry, stars, dimensions);
      case DW_TAG_pointer_type:
        stars += '*';
        break;
      case DW_TAG_array_type: {
        const auto lengths = dimensions_of(entry);
        if (!lengths || !stars.empty()) return std::nullopt;  // a pointer to an array
        dimensions += *lengths;
        break;
      }
      case DW_TAG_const_type:
      case DW_TAG_volatile_type:
      case DW_TAG_restrict_type:
      case DW_TAG_atomic_type:
        break;
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> spell_variable_type(Dwarf* dwarf, std::string_view name, Dwarf_Addr address) {
  size_t entries = 0, header_size = 0;
  Dwarf_Off offset = 0, next = 0;
  for (; dwarf_nextcu(dwarf, offset, &next, &header_size, nullptr, nullptr, nullptr) == 0; offset = next) {
    Dwarf_Die unit, entry;
    if (dwarf_offdie(dwarf, offset + header_size, &unit) == nullptr) continue;
    for (int more = dwarf_child(&unit, &entry); more == 0; more = dwarf_siblingof(&entry, &entry)) {
      if (++entries > kMaxEntries) return std::nullopt;
      if (dwarf_tag(&entry) != DW_TAG_variable || !lies_at(entry, address)) continue;
      const char* found = dwarf_diename(&entry);
      if (found != nullptr && found == name) return spell_type(entry);
    }
  }
  return std::nullopt;
}

}  // namespace lifeboat
