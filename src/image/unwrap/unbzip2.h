// SPDX-License-Identifier: GPL-2.0-or-later
// bzip2, by libbz2.
#pragma once

#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

// All streams of a bzip2 file; other data behind them is ignored, as bzip2(1) does. `corrupt` for what is
// damaged or was cut off, `unsupported` for more than `limit` bytes.
Result<std::vector<std::byte>> unbzip2(ByteSpan packed, uint64_t limit);

}  // namespace lifeboat
