// SPDX-License-Identifier: GPL-2.0-or-later
// Suggests the known name nearest to an unknown one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lifeboat {

// Insertions, deletions and exchanges of one character that turn one into the other (Levenshtein).
size_t edit_distance(std::string_view one, std::string_view other);

// The maximum distance of a typing error; a name further away is another name.
size_t max_edit_distance(std::string_view name);

// The name in `known` nearest to `name`; empty: none is near.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

// For the hint of an error: "write 'level'", or all known names.
std::string suggest_name(std::string_view name, std::span<const std::string_view> known);

}  // namespace lifeboat
