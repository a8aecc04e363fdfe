// SPDX-License-Identifier: GPL-2.0-or-later
// Reads files that may be compressed.
#pragma once

#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

// The contents of a file, decompressed when its first bytes (not its name) show a compression that kernels
// and modules use. `corrupt` when it cannot be decompressed, `unsupported` when the result is larger than
// `limit` bytes, or than a module can be.
Result<std::vector<std::byte>> decompress_file(const std::string& path, uint64_t limit);

}  // namespace lifeboat
