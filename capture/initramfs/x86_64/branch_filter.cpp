// SPDX-License-Identifier: GPL-2.0-or-later
#if defined(__x86_64__)
#include "capture/initramfs/branch_filter.h"

#include <lzma.h>

namespace lifeboat {

uint64_t xz_branch_filter() {
  return LZMA_FILTER_X86;
}

}  // namespace lifeboat
#endif
