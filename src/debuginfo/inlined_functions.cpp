// SPDX-License-Identifier: GPL-2.0-or-later
// A unit is a tree: functions, in them functions that were inlined and blocks, in those again. What holds the
// address is followed downwards, without recursion: an untrusted file controls the depth of the tree.
#include "src/debuginfo/inlined_functions.h"

#include <dwarf.h>

#include <algorithm>
#include <filesystem>

namespace lifeboat {
namespace {

// A unit of the kernel has some hundred thousand entries, of which few are read.
constexpr size_t kMaxEntries = 1 << 20;
constexpr size_t kMaxInlined = 64;

bool holds(Dwarf_Die& entry, Dwarf_Addr address) {
  return dwarf_haspc(&entry, address) == 1;
}

// Entries without addresses that may contain entries with addresses: blocks without a range, and the
// namespaces of Rust.
bool is_transparent(Dwarf_Die& entry) {
  switch (dwarf_tag(&entry)) {
    case DW_TAG_namespace:
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
      return true;
    case DW_TAG_lexical_block:
      return dwarf_hasattr(&entry, DW_AT_ranges) == 0 && dwarf_hasattr(&entry, DW_AT_low_pc) == 0;
    default:
      return false;
  }
}

// The functions that hold the address, outermost first.
std::vector<Dwarf_Die> functions_at(const Dwarf_Die& unit, Dwarf_Addr address) {
  std::vector<Dwarf_Die> functions, parents{unit};
  size_t entries = 0;
  while (!parents.empty()) {
    Dwarf_Die parent = parents.back();
    parents.pop_back();
    Dwarf_Die entry;
    for (int more = dwarf_child(&parent, &entry); more == 0; more = dwarf_siblingof(&entry, &entry)) {
      if (++entries > kMaxEntries) return functions;
      const int tag = dwarf_tag(&entry);
      const bool function = tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
      if ((function || tag == DW_TAG_lexical_block) && holds(entry, address)) {
        // A function within a function (an extension of GNU C) is not inlined there.
        if (tag == DW_TAG_subprogram) functions.clear();
        if (function) functions.push_back(entry);
        if (functions.size() > kMaxInlined) return functions;
        parents.assign(1, entry);
        break;
      }
      if (is_transparent(entry)) parents.push_back(entry);
    }
  }
  return functions;
}

std::string text_or_empty(const char* text) {
  return text != nullptr ? text : "";
}

// "./fs/../mm/slub.c" is mm/slub.c.
std::string plain_path(const char* path) {
  return path == nullptr ? "" : std::filesystem::path(path).lexically_normal().string();
}

void set_line(Dwarf_Die& unit, Dwarf_Addr address, inspect::SourcePlace& place) {
  Dwarf_Line* line = dwarf_getsrc_die(&unit, address);
  int number = 0;
  if (line == nullptr || dwarf_lineno(line, &number) != 0) return;
  place.file = plain_path(dwarf_linesrc(line, nullptr, nullptr));
  place.line = static_cast<uint32_t>(std::max(number, 0));
}

// Where the inlined function was called: attributes of its entry, a place in the function around it.
void set_call(Dwarf_Die& unit, Dwarf_Die& inlined, inspect::SourcePlace& place) {
  Dwarf_Attribute attribute;
  Dwarf_Word number = 0;
  if (dwarf_formudata(dwarf_attr(&inlined, DW_AT_call_line, &attribute), &number) == 0 &&
      number <= UINT32_MAX)
    place.line = static_cast<uint32_t>(number);
  Dwarf_Files* files = nullptr;
  size_t count = 0;
  if (dwarf_formudata(dwarf_attr(&inlined, DW_AT_call_file, &attribute), &number) == 0 &&
      dwarf_getsrcfiles(&unit, &files, &count) == 0 && number < count)
    place.file = plain_path(dwarf_filesrc(files, number, nullptr, nullptr));
}

}  // namespace

std::vector<inspect::SourcePlace> source_places(Dwarf_Die unit, Dwarf_Addr address) {
  // The functions of a unit that was split off (.dwo) are in another file; the lines are here.
  Dwarf_Die split{};
  uint8_t type = 0;
  const bool is_split =
      dwarf_cu_info(unit.cu, nullptr, &type, nullptr, &split, nullptr, nullptr, nullptr) == 0 &&
      type == DW_UT_skeleton && split.addr != nullptr;
  auto functions = functions_at(is_split ? split : unit, address);
  std::vector<inspect::SourcePlace> places(1);
  set_line(unit, address, places.back());
  for (size_t left = functions.size(); left > 0; --left) {
    Dwarf_Die& function = functions[left - 1];
    places.back().function = text_or_empty(dwarf_diename(&function));
    if (left == 1) break;
    places.emplace_back();
    set_call(unit, function, places.back());
  }
  // An address of data, or after the unit's code.
  if (places.size() == 1 && places.back() == inspect::SourcePlace{}) places.clear();
  return places;
}

}  // namespace lifeboat
