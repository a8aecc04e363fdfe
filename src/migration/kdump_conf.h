// SPDX-License-Identifier: GPL-2.0-or-later
// The lines of /etc/kdump.conf (kdump-utils), by the rules that its own reader has: a word, and the rest of
// the line without a comment and without the double quotes around it. No line continues in the next one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::migration {

struct KdumpConfLine {
  unsigned line = 0;  // from 1
  std::string name, value;
};
std::vector<KdumpConfLine> parse_kdump_conf(std::string_view text);

}  // namespace lifeboat::migration
