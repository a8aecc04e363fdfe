// SPDX-License-Identifier: GPL-2.0-or-later
// The compressions that are found around kernels, from memory to memory.
#pragma once

#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/image/image.h"

namespace lifeboat {

// All of `packed`, which begins as `kind` does. No other program is run. `unsupported` for lzop, which no
// library here supports, and for more than `limit` bytes; `corrupt` or `truncated` for damaged data, as far
// as the format can detect it: lzma and the legacy lz4 frame have no checksum.
Result<std::vector<std::byte>> decompress(ImageKind kind, ByteSpan packed, uint64_t limit);

}  // namespace lifeboat
