// SPDX-License-Identifier: GPL-2.0-or-later
// gzip, by zlib. Not by libarchive, whose gzip reader does not look at the checksum of what it unpacked.
#pragma once

#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

// All members of a gzip file; what follows them and begins none is ignored, as gzip(1) does. `corrupt` for
// what is damaged or was cut off, `unsupported` for more than `limit` bytes.
Result<std::vector<std::byte>> gunzip(ByteSpan packed, uint64_t limit);

}  // namespace lifeboat
