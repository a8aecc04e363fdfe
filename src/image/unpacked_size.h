// SPDX-License-Identifier: GPL-2.0-or-later
// How large compressed data may become. What a header says of a size is not asked: bytes are counted as they
// come out, so that a decompression bomb ends after some milliseconds, however much it would become.
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

// Whether it may go on after `packed` bytes were read, and `unpacked` came out of them. `unsupported` for
// more than `limit`, or more than those can be of a kernel.
inline Result<> check_unpacked_size(uint64_t packed, uint64_t unpacked, uint64_t limit) {
  if (unpacked > limit) return fail(ErrorCode::unsupported, "it unpacks to more than {}", format_size(limit));
  if (unpacked > largest_expansion(packed))
    return fail(ErrorCode::unsupported, "it unpacks to more than {} times its size", kExpansion);
  return {};
}

}  // namespace lifeboat
