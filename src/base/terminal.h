// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace lifeboat {

// Whether output to a terminal may be coloured: not with NO_COLOR (https://no-color.org: set and not empty),
// and not on one that knows no colours. `terminal`: isatty() of the output.
bool wants_colour(bool terminal);

}  // namespace lifeboat
