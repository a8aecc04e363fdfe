// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/migration/kdump_conf.h"

#include <cstddef>
#include <ranges>

#include "src/base/text.h"

namespace lifeboat::migration {

std::vector<KdumpConfLine> parse_kdump_conf(std::string_view text) {
  std::vector<KdumpConfLine> lines;
  unsigned number = 0;
  for (const auto part : std::views::split(text, '\n')) {
    ++number;
    const std::string_view line = trim({part.begin(), part.end()});
    if (line.empty() || line.starts_with('#')) continue;
    const size_t end = line.find_first_of(" \t");
    std::string_view value = end == std::string_view::npos ? std::string_view() : trim(line.substr(end));
    // Anywhere, also within quotes.
    value = trim(value.substr(0, value.find('#')));
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"'))
      value = value.substr(1, value.size() - 2);
    lines.push_back({number, std::string(line.substr(0, end)), std::string(value)});
  }
  return lines;
}

}  // namespace lifeboat::migration
