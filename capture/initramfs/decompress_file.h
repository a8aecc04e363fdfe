// SPDX-License-Identifier: GPL-2.0-or-later
// Files that may be compressed, read as what they are inside.
#pragma once

#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

// The contents of a file, unpacked when it is compressed (told by its first bytes, not by its name) in a way
// that is found around kernels. `corrupt` when it does not unpack, `unsupported` when the result is larger
// than `limit` bytes, or than the file can be of a module.
Result<std::vector<std::byte>> decompress_file(const std::string& path, uint64_t limit);

}  // namespace lifeboat
