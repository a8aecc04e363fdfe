// SPDX-License-Identifier: GPL-2.0-or-later
// The changes to a file in the format of diff -u and patch(1).
#pragma once

#include <optional>
#include <string>

namespace lifeboat::reservation {

// nullopt: the file does not exist. For small files: the time grows with the product of their lines. Returns
// an empty text when they are equal.
std::string unified_diff(const std::string& path, const std::optional<std::string>& before,
                         const std::optional<std::string>& after);

}  // namespace lifeboat::reservation
