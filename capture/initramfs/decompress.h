// SPDX-License-Identifier: GPL-2.0-or-later
// Files that may be compressed, read as what they are inside.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace lifeboat {

// The contents of a file, through xz, zstd or gzip when it is packed so (told by its first bytes, not by its
// name). `corrupt` when it does not unpack, `unsupported` when the result is larger than `limit` bytes.
Result<std::vector<std::byte>> decompress_file(const std::string& path, uint64_t limit);

}  // namespace lifeboat
