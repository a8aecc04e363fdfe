// SPDX-License-Identifier: GPL-2.0-or-later
// xz's filter for the machine code of the architecture that this program is built for, which every kernel's
// decoder of that architecture has too (lib/xz). Each folder named after an architecture has its own; the
// build selects one.
#pragma once

#include <cstdint>

namespace lifeboat {

// LZMA_FILTER_*; LZMA_VLI_UNKNOWN: none.
uint64_t xz_branch_filter();

}  // namespace lifeboat
