// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/terminal.h"

#include <cstdlib>
#include <string_view>

namespace lifeboat {

bool wants_colour(bool terminal) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal_name = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return false;
  if (terminal_name != nullptr && std::string_view(terminal_name) == "dumb") return false;
  return terminal;
}

}  // namespace lifeboat
