// SPDX-License-Identifier: GPL-2.0-or-later
// gzip, by zlib.
#pragma once

#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

// All members of a gzip file; other data behind them is ignored, as gzip(1) does. `corrupt` for damaged or
// truncated data, `unsupported` for more than `limit` bytes.
Result<std::vector<std::byte>> gunzip(ByteSpan packed, uint64_t limit);

}  // namespace lifeboat
