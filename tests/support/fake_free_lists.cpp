// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/fake_free_lists.h"

namespace lifeboat::test {
namespace {

constexpr uint64_t kNodeBytes = 0x4000, kZoneBytes = 0x800;
constexpr uint64_t kFreeArea = 0x100, kListBytes = 16;
constexpr uint64_t kAreaBytes = FakeFreeLists::kTypes * kListBytes + 8;  // and nr_free
constexpr uint64_t kPrev = 8, kPrivate = 40;

}  // namespace

FakeFreeLists::FakeFreeLists(FakeKernel& fake, uint64_t nodes) : fake_(fake) {
  constexpr uint64_t kPlaces = 4;
  node_data_ = fake.allocate(kPlaces * sizeof(uint64_t));
  for (uint64_t number = 0; number < nodes; ++number) {
    nodes_.push_back(fake.allocate(kNodeBytes));
    fake.write64(node_data_ + (number + 1) * sizeof(uint64_t), nodes_.back());
    fake.write32(nodes_.back() + kZoneCount, kZones);
    for (uint64_t zone = 0; zone < kZones; ++zone) {
      for (uint64_t order = 0; order < kOrders; ++order) {
        for (uint64_t type = 0; type < kTypes; ++type) {
          const uint64_t empty = head({number, zone, order, type});
          fake.write64(empty, empty);
          fake.write64(empty + kPrev, empty);
        }
      }
    }
  }
  const std::pair<const char*, uint64_t> keys[] = {
      {"LENGTH(node_data)", kPlaces},
      {"SIZE(pglist_data)", kNodeBytes},
      {"OFFSET(pglist_data.node_zones)", 0},
      {"OFFSET(pglist_data.nr_zones)", kZoneCount},
      {"SIZE(zone)", kZoneBytes},
      {"OFFSET(zone.free_area)", kFreeArea},
      {"LENGTH(zone.free_area)", kOrders},
      {"SIZE(free_area)", kAreaBytes},
      {"OFFSET(free_area.free_list)", 0},
      {"LENGTH(free_area.free_list)", kTypes},
      {"SIZE(list_head)", kListBytes},
      {"OFFSET(list_head.next)", 0},
      {"OFFSET(list_head.prev)", kPrev},
      {"OFFSET(page.lru)", kLru},
  };
  for (const auto& [key, value] : keys) fake.set_key(key, std::to_string(value));
  fake.set_key("SYMBOL(node_data)", fmt::format("{:x}", node_data_));
}

uint64_t FakeFreeLists::head(const Place& place) const {
  return nodes_[place.node] + place.zone * kZoneBytes + kFreeArea + place.order * kAreaBytes +
         place.type * kListBytes;
}

void FakeFreeLists::add(const Place& place, uint64_t pfn) {
  const uint64_t list = head(place), block = link(pfn);
  const uint64_t last = fake_.open().read<uint64_t>(list + kPrev).value();
  fake_.write64(block, list);
  fake_.write64(block + kPrev, last);
  fake_.write64(last, block);
  fake_.write64(list + kPrev, block);
  fake_.write64(FakeKernel::page_address(pfn) + kPrivate, place.order);
}

}  // namespace lifeboat::test
