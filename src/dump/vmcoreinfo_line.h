// SPDX-License-Identifier: GPL-2.0-or-later
// Single lines of VMCOREINFO, for what the container itself must know or report. src/vmcore parses all of it.
#pragma once

#include <string_view>

namespace lifeboat {

// What stands behind `key` ("PAGESIZE=") to the end of the line; empty: no line begins so.
constexpr std::string_view vmcoreinfo_line(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(key)) return line.substr(key.size());
    text.remove_prefix(line.size() == text.size() ? line.size() : line.size() + 1);
  }
  return {};
}

}  // namespace lifeboat
