// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/numbered_files.h"

#include <algorithm>
#include <filesystem>

#include "src/base/file.h"
#include "src/base/size.h"

namespace lifeboat {

std::optional<uint64_t> read_hex(const std::string& path) {
  const auto line = read_line(path);
  return line ? parse_number(*line, 16) : std::nullopt;
}

std::vector<uint64_t> numbered(const std::string& folder, std::string_view prefix) {
  std::vector<uint64_t> numbers;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(prefix)) continue;
    if (const auto number = parse_number(std::string_view(name).substr(prefix.size())))
      numbers.push_back(*number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

}  // namespace lifeboat
