// SPDX-License-Identifier: GPL-2.0-or-later
// The files of the Boot Loader Specification that carry command lines.
#pragma once

#include <string>
#include <vector>

namespace lifeboat::reservation {

// loader/entries/*.conf of the boot partitions below `root`, sorted.
std::vector<std::string> entry_files(const std::string& root);

}  // namespace lifeboat::reservation
