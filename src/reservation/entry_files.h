// SPDX-License-Identifier: GPL-2.0-or-later
// The files of the Boot Loader Specification that carry command lines.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace lifeboat::reservation {

// loader/entries/*.conf of the boot partitions below `root`, sorted.
std::vector<std::string> entry_files(const std::string& root);
// What was set last in them by plan_entries(), and has not been taken away.
std::optional<std::string> remembered_value(const std::string& root);

}  // namespace lifeboat::reservation
