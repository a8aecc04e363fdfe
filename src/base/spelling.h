// SPDX-License-Identifier: GPL-2.0-or-later
// What somebody may have meant: the known name nearest to one that does not exist.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lifeboat {

// Insertions, deletions and exchanges of one character that turn one into the other (Levenshtein).
size_t edit_distance(std::string_view one, std::string_view other);

// Further away than this it is another word, not a slip of the hand.
size_t most_slips(std::string_view name);

// Of `known` the one nearest to `name`; empty: none is near.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known);

// For the hint of an error: "the nearest is 'level'", or all there are.
std::string what_there_is(std::string_view name, std::span<const std::string_view> known);

}  // namespace lifeboat
