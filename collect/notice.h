// SPDX-License-Identifier: GPL-2.0-or-later
// What tells whoever logs in of the crashes that are new in this boot.
#pragma once

#include <span>
#include <string>

#include "collect/stores.h"

namespace lifeboat::collect {

// Of the crashes that were collected in this boot, or not at all yet; empty: there are none.
std::string notice_text(std::span<const FoundCrash> crashes, const std::string& boot_id);

// Puts the text there for everybody to read; an empty one takes the notice away.
Result<> leave_notice(const std::string& path, const std::string& text);

}  // namespace lifeboat::collect
