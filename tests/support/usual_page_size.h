// SPDX-License-Identifier: GPL-2.0-or-later
// The page size of the machines that tests make up, where a test does not choose another.
#pragma once

#include "src/base/page_size.h"

namespace lifeboat {

inline constexpr uint64_t kPageSize = PageSize().bytes();
inline constexpr unsigned kPageShift = PageSize().shift();

}  // namespace lifeboat
