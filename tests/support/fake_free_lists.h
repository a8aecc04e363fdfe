// SPDX-License-Identifier: GPL-2.0-or-later
// Nodes, zones and lists of free blocks in a fake kernel, and the keys of VMCOREINFO that lead to them.
#pragma once

#include <vector>

#include "tests/support/fake_kernel.h"

namespace lifeboat::test {

class FakeFreeLists {
 public:
  static constexpr uint64_t kZones = 3, kOrders = 11, kTypes = 6;
  // Of struct page: where its list_head is (next, prev).
  static constexpr uint64_t kLru = 8;

  // Empty lists. `nodes` of the four places in node_data are used, beginning with the second.
  explicit FakeFreeLists(FakeKernel& fake, uint64_t nodes = 1);

  struct Place {
    uint64_t node = 0, zone = 0, order = 0, type = 0;
  };
  // A free block at the end of the list. Its struct page is changed: the list, and the order.
  void add(const Place& place, uint64_t pfn);
  // The address of the list's head, a list_head.
  [[nodiscard]] uint64_t head(const Place& place) const;
  // The address of the list_head in the struct page.
  [[nodiscard]] static uint64_t link(uint64_t pfn) { return FakeKernel::page_address(pfn) + kLru; }
  [[nodiscard]] uint64_t node(uint64_t number) const { return nodes_[number]; }
  [[nodiscard]] uint64_t node_data() const { return node_data_; }

  static constexpr uint64_t kZoneCount = 0x3000;  // offset in struct pglist_data

 private:
  FakeKernel& fake_;
  uint64_t node_data_ = 0;
  std::vector<uint64_t> nodes_;
};

}  // namespace lifeboat::test
