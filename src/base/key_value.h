// SPDX-License-Identifier: GPL-2.0-or-later
// The text format of lifeboat's files in an initramfs: one "key = value" a line; blank lines and lines that
// begin with '#' are ignored.
#pragma once

#include <string_view>
#include <vector>

#include "src/base/error.h"

namespace lifeboat {

struct KeyValue {
  size_t line = 0;              // from 1
  std::string_view key, value;  // of the text that was parsed, without blanks around them
};

// `usage`, with the line's number, for a line without '='.
Result<std::vector<KeyValue>> parse_key_values(std::string_view text);

}  // namespace lifeboat
