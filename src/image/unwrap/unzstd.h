// SPDX-License-Identifier: GPL-2.0-or-later
// zstd, by libzstd.
#pragma once

#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

// All frames. `corrupt` for what is damaged or was cut off, or has other data behind it; `unsupported` for
// more than `limit` bytes and for a window of more than 128 MiB, the largest of a kernel's build (zstd -22).
Result<std::vector<std::byte>> unzstd(ByteSpan packed, uint64_t limit);

}  // namespace lifeboat
