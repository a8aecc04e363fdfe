// SPDX-License-Identifier: GPL-2.0-or-later
// Both frames of lz4, by liblz4: the tool's own, and the legacy one, which is the only one that the kernel
// reads (lz4_Frame_format.md; lib/decompress_unlz4.c).
#pragma once

#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

// All frames, of either format; other data behind them is ignored: the legacy frame has no end, and the
// kernel's build appends the unpacked size to it. `corrupt` for what is damaged or was cut off, as far as the
// format can detect it (the legacy frame has no checksum); `unsupported` for more than `limit` bytes.
Result<std::vector<std::byte>> unlz4(ByteSpan packed, uint64_t limit);

}  // namespace lifeboat
