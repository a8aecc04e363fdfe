// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/spelling.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace lifeboat {

size_t edit_distance(std::string_view one, std::string_view other) {
  std::vector<size_t> row(other.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t line = 0; line < one.size(); ++line) {
    size_t diagonal = row[0];
    row[0] = line + 1;
    for (size_t column = 0; column < other.size(); ++column) {
      const size_t replaced = diagonal + (one[line] == other[column] ? 0 : 1);
      diagonal = row[column + 1];
      row[column + 1] = std::min({replaced, diagonal + 1, row[column] + 1});
    }
  }
  return row[other.size()];
}

size_t max_edit_distance(std::string_view name) {
  return std::max<size_t>(1, (name.size() + 1) / 3);
}

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> known) {
  std::string_view nearest;
  size_t best = max_edit_distance(name) + 1;
  for (const auto candidate : known) {
    const size_t distance = edit_distance(name, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string suggest_name(std::string_view name, std::span<const std::string_view> known) {
  if (const auto nearest = nearest_name(name, known); !nearest.empty())
    return fmt::format("write '{}'", nearest);
  return fmt::format("use one of: {}", fmt::join(known, ", "));
}

}  // namespace lifeboat
