// SPDX-License-Identifier: GPL-2.0-or-later
// One address in one compilation unit: its line, and the functions that were inlined there.
#pragma once

#include <elfutils/libdw.h>

#include <vector>

#include "src/inspect/debug_info.h"

namespace lifeboat {

// Innermost first, as DebugInfo::at(). Bounded in time and depth for any unit.
std::vector<inspect::SourcePlace> source_places(Dwarf_Die unit, Dwarf_Addr address);

}  // namespace lifeboat
