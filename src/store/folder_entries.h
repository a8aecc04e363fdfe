// SPDX-License-Identifier: GPL-2.0-or-later
// The entries of an open folder of the store.
#pragma once

#include <functional>
#include <string>

#include "src/base/error.h"

namespace lifeboat {

// A crash's folder holds a few files and perhaps a folder of pstore records; anything
// deeper than this was not written by lifeboat.
inline constexpr int kDeepestCrashFolder = 8;

// Calls visit(name) for each entry of an open folder, without "." and "..", until one fails.
Result<> for_each_entry(int folder_fd, const std::function<Result<>(const std::string&)>& visit);

}  // namespace lifeboat
