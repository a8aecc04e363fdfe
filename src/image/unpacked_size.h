// SPDX-License-Identifier: GPL-2.0-or-later
// The maximum size of decompressed data. Sizes in headers are not used: the output is counted, so that a
// decompression bomb is stopped after some milliseconds, whatever its size.
#pragma once

#include <algorithm>
#include <cstdint>

#include "src/base/error.h"
#include "src/base/size.h"

namespace lifeboat {

// Kernels and modules become 3 to 8 times larger (with debug information and xz; less otherwise), zeros a
// thousand times by gzip and ten thousand times by the others.
inline constexpr uint64_t kExpansion = 16;
// More than any stretch of zeros in a kernel, so that these do not count.
inline constexpr uint64_t kFreeExpansion = 32_MiB;

// What `packed` bytes may become.
constexpr uint64_t largest_expansion(uint64_t packed) {
  return kFreeExpansion + std::min(packed, UINT64_MAX / kExpansion - kFreeExpansion) * kExpansion;
}

// Whether to continue after `packed` bytes were decompressed to `unpacked` bytes. `unsupported` for more than
// `limit`, or for a ratio that no kernel has.
inline Result<> check_unpacked_size(uint64_t packed, uint64_t unpacked, uint64_t limit) {
  if (unpacked > limit)
    return fail(ErrorCode::unsupported, "it decompresses to more than {}", format_size(limit));
  if (unpacked > largest_expansion(packed))
    return fail(ErrorCode::unsupported, "it decompresses to more than {} times its size", kExpansion);
  return {};
}

}  // namespace lifeboat
