// SPDX-License-Identifier: GPL-2.0-or-later
// KDUMP_FAIL_CMD of kdump-tools: commands that a shell runs when no dump could be saved.
#pragma once

#include <string>
#include <string_view>

#include "src/migration/draft.h"

namespace lifeboat::migration {

// What the commands do, as a value of [failure] action.
struct FailCommand {
  Fate fate = Fate::missing;  // taken; changed: they do more; same: nothing but messages; missing
  std::string action;         // with taken and changed
  std::string reason;
};

// Commands that only write a message may stand before the one that counts: "echo failed; sync; reboot -f".
// Whatever else a shell could do with the text is not understood.
FailCommand read_fail_command(std::string_view text);

}  // namespace lifeboat::migration
