// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/fake_pages.h"

namespace lifeboat::test {
namespace {

constexpr uint64_t kAddressSpace = 0xffff888000001000;  // a struct address_space
constexpr uint64_t kAnonymous = 0xffff888000001001;     // an anon_vma, and PAGE_MAPPING_ANON

}  // namespace

FakePage fake_page(FakeUse use, unsigned order) {
  switch (use) {
    case FakeUse::kernel:
      return {};
    case FakeUse::free:
      return {.private_data = order, .mapcount = kFakeBuddy};
    case FakeUse::unaccepted:
      return {.mapcount = kFakeUnaccepted};
    case FakeUse::cache:
      return {.flags = kFakeLru, .mapping = kAddressSpace};
    case FakeUse::cache_private:
      return {.flags = kFakeLru | kFakePrivate, .mapping = kAddressSpace};
    case FakeUse::swap_cache:
      return {.flags = kFakeSwapCache | kFakeSwapBacked};
    case FakeUse::user:
      return {.flags = kFakeLru | kFakeSwapBacked, .mapping = kAnonymous, .mapcount = 0};
    case FakeUse::hugetlb:
      return {.mapcount = kFakeHugetlb};
    case FakeUse::slab:
      // The word that is `mapping` elsewhere belongs to the slab: a pointer of a list, or what was left
      // there.
      return {.mapping = kAnonymous, .mapcount = kFakeSlab};
    case FakeUse::poisoned:
      return {.flags = kFakePoison | kFakeLru, .mapping = kAddressSpace};
    case FakeUse::offline:
      return {.mapcount = kFakeOffline};
  }
  return {};
}

void set_block(FakeKernel& fake, const FakeBlock& block) {
  const FakePage head = fake_page(block.use, block.order);
  if (block.order == 0 || block.use == FakeUse::free || block.use == FakeUse::unaccepted) {
    fake.set_page(block.pfn, head);
  } else {
    fake.set_compound(block.pfn, block.order, head);
  }
}

void poison_tail(FakeKernel& fake, const FakeBlock& block, uint64_t pfn) {
  FakePage tail{.flags = kFakePoison, .compound_head = FakeKernel::page_address(block.pfn) | 1};
  if (pfn == block.pfn + 1) tail.flags |= block.order;
  fake.set_page(pfn, tail);
}

}  // namespace lifeboat::test
