// SPDX-License-Identifier: GPL-2.0-or-later
// Compressed test inputs, in every format that is unpacked around a kernel.
#pragma once

#include <vector>

#include "src/base/bytes.h"
#include "src/image/image.h"

namespace lifeboat::test {

// By the library of each, with a checksum where the format has one; the legacy lz4 frame, which none writes,
// as blocks of literals.
std::vector<std::byte> compressed(ImageKind kind, ByteSpan bytes);

}  // namespace lifeboat::test
