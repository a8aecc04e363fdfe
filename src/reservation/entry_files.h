// SPDX-License-Identifier: GPL-2.0-or-later
// What the boot partitions have: entries of the Boot Loader Specification, and unified kernel images.
#pragma once

#include <string>
#include <vector>

namespace lifeboat::reservation {

// Where boot partitions are mounted, below a root.
inline constexpr const char* kBootFolders[] = {"efi", "boot", "boot/efi"};

// loader/entries/*.conf of the boot partitions below `root`, sorted.
std::vector<std::string> entry_files(const std::string& root);
// How many of them have a "linux" line: those have a command line of their own.
size_t linux_entries(const std::string& root);

// EFI/Linux/*.efi of the boot partitions, sorted: each has its command line inside.
std::vector<std::string> unified_images(const std::string& root);
// Those that do not have all of `parameters` ("crashkernel=256M") in them.
std::vector<std::string> images_without(const std::string& root, const std::vector<std::string>& parameters);

}  // namespace lifeboat::reservation
