// SPDX-License-Identifier: GPL-2.0-or-later
// The login notice about the crashes that are new in this boot.
#pragma once

#include <span>
#include <string>

#include "src/collect/pstore.h"
#include "src/collect/stores.h"

namespace lifeboat::collect {

// Collected in this boot, or not yet.
bool is_new(const StoredCrash& crash, const std::string& boot_id);

// The notice about new crashes, and about records in pstore without a saved crash; empty: there are none.
std::string notice_text(std::span<const FoundCrash> crashes, const std::string& boot_id,
                        std::span<const PstoreRecord> records);

// Writes the notice, readable for all users; an empty text removes it.
Result<> leave_notice(const std::string& path, const std::string& text);

}  // namespace lifeboat::collect
