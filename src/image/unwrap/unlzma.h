// SPDX-License-Identifier: GPL-2.0-or-later
// xz and lzma, by liblzma, with a limit for the dictionary: a header may ask for up to 4 GiB.
#pragma once

#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/image/image.h"

namespace lifeboat {

// `kind` is xz or lzma. `corrupt` for what is damaged or was cut off, `unsupported` for more than `limit`
// bytes and for a dictionary larger than any kernel's.
Result<std::vector<std::byte>> unlzma(ImageKind kind, ByteSpan packed, uint64_t limit);

}  // namespace lifeboat
