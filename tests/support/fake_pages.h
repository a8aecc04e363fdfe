// SPDX-License-Identifier: GPL-2.0-or-later
// What page frames of a fake kernel are used for, one block after the other: as the kernel's allocators, page
// cache and huge pages would describe them in the mem_map.
#pragma once

#include "tests/support/fake_kernel.h"

namespace lifeboat::test {

enum class FakeUse {
  kernel,
  free,        // a block of the buddy allocator
  unaccepted,  // of a confidential guest; always of order 10
  cache,
  cache_private,
  swap_cache,
  user,
  hugetlb,
  slab,
  poisoned,
  offline,
};

// 2^order page frames from `pfn` on, which is a multiple of that. But for free and unaccepted ones, and where
// the order is 0, they are a compound page.
struct FakeBlock {
  uint64_t pfn = 0;
  unsigned order = 0;
  FakeUse use = FakeUse::kernel;

  [[nodiscard]] uint64_t pages() const { return uint64_t{1} << order; }
};

// The struct page of a single page, or of the head.
FakePage fake_page(FakeUse use, unsigned order = 0);
void set_block(FakeKernel& fake, const FakeBlock& block);
// Marks the page at `pfn` within `block`, a compound page, as broken. Not its head.
void poison_tail(FakeKernel& fake, const FakeBlock& block, uint64_t pfn);

}  // namespace lifeboat::test
