// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's taint flags, decoded (Documentation/admin-guide/tainted-kernels.rst).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat::inspect {

struct Taint {
  char letter = '?';  // '?': a flag that is newer than this program
  std::string_view meaning;
};

// Of `tainted_mask`, or of a module's `taints`; in the order of the bits.
std::vector<Taint> read_taint(uint64_t mask);
// "GWO", as oops lines show it, without the blanks; empty: not tainted.
std::string taint_letters(uint64_t mask);

}  // namespace lifeboat::inspect
