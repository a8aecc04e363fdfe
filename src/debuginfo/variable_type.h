// SPDX-License-Identifier: GPL-2.0-or-later
// The type of a global variable, as C spells it.
#pragma once

#include <elfutils/libdw.h>

#include <optional>
#include <string>
#include <string_view>

namespace lifeboat {

// Of the variable that is defined at this address; a declaration elsewhere may leave the length of an array
// open. There is no index of variables: all units are searched. Bounded for any file.
std::optional<std::string> spell_variable_type(Dwarf* dwarf, std::string_view name, Dwarf_Addr address);

}  // namespace lifeboat
