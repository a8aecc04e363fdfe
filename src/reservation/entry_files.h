// SPDX-License-Identifier: GPL-2.0-or-later
// The files of the Boot Loader Specification that carry command lines.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace lifeboat::reservation {

// loader/entries/*.conf of the boot partitions below `root`, sorted.
std::vector<std::string> entry_files(const std::string& root);
// The value that plan_entries() set last, if it has not been removed.
std::optional<std::string> remembered_value(const std::string& root);

}  // namespace lifeboat::reservation
