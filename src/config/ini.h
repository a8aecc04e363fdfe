// SPDX-License-Identifier: GPL-2.0-or-later
// The lines of an INI file: sections, and keys with values, each with its line number. It does not
// interpret them. Never executed, never expanded: no quoting, no variables, no includes.
//
// Boost.Program_options reads such files too, but keeps neither line numbers nor repeated sections.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"

namespace lifeboat::config {

struct IniEntry {
  std::string key, value;  // without the white space around them
  unsigned line = 0;       // from 1
};
struct IniSection {
  std::string name;
  unsigned line = 0;
  std::vector<IniEntry> entries;
};

// Sections in the order of the file; a repeated section is listed twice. Lines that begin with # or ; are
// comments. Errors begin with "NAME:LINE: ".
Result<std::vector<IniSection>> parse_ini(std::string_view text, const std::string& name);

}  // namespace lifeboat::config
