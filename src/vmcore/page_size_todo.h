// SPDX-License-Identifier: GPL-2.0-or-later
// Until src/vmcore takes the page size from the kernel whose memory it reads.
#pragma once

#include <cstdint>

namespace lifeboat {

inline constexpr uint64_t kPageSize = 4096;
inline constexpr unsigned kPageShift = 12;

}  // namespace lifeboat
