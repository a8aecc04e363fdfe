// SPDX-License-Identifier: GPL-2.0-or-later
// The forms in which sysfs shows tables of the kernel: a folder for each number, files with a number in each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lifeboat {

// The hexadecimal number that is all of a file; nullopt: no such file, or something else in it.
std::optional<uint64_t> read_hex(const std::string& path);

// The numbers N of the entries PREFIX<N> in a folder, sorted.
std::vector<uint64_t> numbered(const std::string& folder, std::string_view prefix);

}  // namespace lifeboat
