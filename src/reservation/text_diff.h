// SPDX-License-Identifier: GPL-2.0-or-later
// What would change in a file, as diff -u and patch(1) write it.
#pragma once

#include <optional>
#include <string>

namespace lifeboat::reservation {

// nullopt: there is no such file. For small files: the time grows with the product of their lines. Empty:
// they are the same.
std::string unified_diff(const std::string& path, const std::optional<std::string>& before,
                         const std::optional<std::string>& after);

}  // namespace lifeboat::reservation
