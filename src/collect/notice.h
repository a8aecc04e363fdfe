// SPDX-License-Identifier: GPL-2.0-or-later
// What tells whoever logs in of the crashes that are new in this boot.
#pragma once

#include <span>
#include <string>

#include "src/collect/pstore.h"
#include "src/collect/stores.h"

namespace lifeboat::collect {

// Collected in this boot, or not at all yet.
bool is_new(const StoredCrash& crash, const std::string& boot_id);

// Of the crashes that are new, and of the records of pstore that no saved crash has; empty: there are none.
std::string notice_text(std::span<const FoundCrash> crashes, const std::string& boot_id,
                        std::span<const PstoreRecord> records);

// Puts the text there for everybody to read; an empty one takes the notice away.
Result<> leave_notice(const std::string& path, const std::string& text);

}  // namespace lifeboat::collect
