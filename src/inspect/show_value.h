// SPDX-License-Identifier: GPL-2.0-or-later
// A value printed by its C type: structs member by member, enums by name, char arrays as text, pointers
// with the symbol that they point into.
#pragma once

#include <functional>
#include <string>

#include "src/inspect/expression.h"

namespace lifeboat::inspect {

struct ShowOptions {
  // "init_task+0x4a0" for an address, or nothing.
  std::function<std::string(uint64_t address)> symbol_at = {};
  // What a page that was left out of the dump was used for: "file cache"; or nothing.
  std::function<std::string(uint64_t address)> left_out_as = {};
  unsigned depth = 8;              // of structs within structs; deeper ones are "{...}"
  unsigned elements = 32;          // of each array; for more "..." is printed
  size_t bytes = size_t{1} << 20;  // of text in all; longer text is cut, with a line that notes it
};

// Several lines for structs, with no new line at the end. What cannot be read is marked at its place: <not
// mapped>, <left out of the dump: file cache>. An error only when nothing can be shown: a single number that
// cannot be read, an address without a type.
Result<std::string> show_value(const ExpressionScope& scope, const Value& value,
                               const ShowOptions& options = {});

}  // namespace lifeboat::inspect
