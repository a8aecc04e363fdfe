// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/free_lists.h"

#include <algorithm>
#include <vector>

#include "src/vmcore/symbols.h"

namespace lifeboat {
namespace {

// More than any kernel has: MAX_NUMNODES, MAX_NR_ZONES, NR_PAGE_ORDERS, MIGRATE_TYPES.
constexpr uint64_t kMaxNodes = 1024, kMaxZones = 16, kMaxOrders = 32, kMaxTypes = 32;
// Of one node, with all its zones.
constexpr uint64_t kMaxNodeBytes = uint64_t{1} << 24;

// From VMCOREINFO: offsets and sizes in bytes.
struct Layout {
  uint64_t node_zones, zone_count, node_size;  // of struct pglist_data
  uint64_t zone_size, free_area;               // of struct zone
  uint64_t area_size, free_list;               // of struct free_area
  uint64_t list_size, next, prev;              // of struct list_head
  uint64_t lru, private_data;                  // of struct page
  uint64_t orders, types;

  static Result<Layout> read(const Vmcoreinfo& info) {
    Layout layout{
        .node_zones = TRY(info.require_offset("pglist_data.node_zones")),
        .zone_count = TRY(info.require_offset("pglist_data.nr_zones")),
        .node_size = TRY(info.require_size("pglist_data")),
        .zone_size = TRY(info.require_size("zone")),
        .free_area = TRY(info.require_offset("zone.free_area")),
        .area_size = TRY(info.require_size("free_area")),
        .free_list = TRY(info.require_offset("free_area.free_list")),
        .list_size = TRY(info.require_size("list_head")),
        .next = TRY(info.require_offset("list_head.next")),
        .prev = TRY(info.require_offset("list_head.prev")),
        .lru = TRY(info.require_offset("page.lru")),
        .private_data = TRY(info.require_offset("page.private")),
        .orders = info.length("zone.free_area").value_or(0),
        .types = info.length("free_area.free_list").value_or(0),
    };
    if (layout.orders == 0 || layout.types == 0)
      return fail(ErrorCode::not_found,
                  "VMCOREINFO has no LENGTH(zone.free_area) or LENGTH(free_area.free_list)");
    const bool possible = layout.orders <= kMaxOrders && layout.types <= kMaxTypes &&
                          layout.node_size <= kMaxNodeBytes && layout.zone_size <= layout.node_size &&
                          layout.node_zones <= layout.node_size && layout.zone_count <= layout.node_size &&
                          layout.free_area <= layout.zone_size && layout.area_size <= layout.zone_size &&
                          layout.free_list <= layout.area_size && layout.list_size <= layout.area_size &&
                          layout.next <= layout.list_size && layout.prev <= layout.list_size;
    if (!possible) return fail(ErrorCode::corrupt, "VMCOREINFO: struct zone cannot have its free_area there");
    return layout;
  }
};

// From the address of a struct page to its page frame, for a mem_map that is contiguous in virtual memory.
class FrameFinder {
 public:
  // Searches for the mem_map, once: that may take long where there is none.
  static Result<FrameFinder> create(const MemMap& map) { return FrameFinder(map, TRY(find_base(map))); }

  [[nodiscard]] Result<uint64_t> frame_of(uint64_t page_struct) const {
    const uint64_t size = map_->page_struct_size(), distance = page_struct - base_;
    const uint64_t pfn = distance / size;
    if (page_struct < base_ || distance % size != 0)
      return fail(ErrorCode::corrupt, "{:#x} is not the address of a struct page", page_struct);
    const auto section = TRY(map_->section_map(pfn));
    if (!section || *section + pfn % map_->pages_per_section() * size != page_struct)
      return fail(ErrorCode::corrupt, "{:#x} is not the address of a struct page", page_struct);
    return pfn;
  }

 private:
  // Where the struct page of page frame 0 would be, from the first section that has a map.
  static Result<uint64_t> find_base(const MemMap& map) {
    constexpr uint64_t kMaxSections = uint64_t{1} << 16;
    for (uint64_t section = 0; section < kMaxSections; ++section) {
      const uint64_t pfn = section * map.pages_per_section();
      const auto first = map.section_map(pfn);
      if (first && *first) return **first - pfn * map.page_struct_size();
    }
    return fail(ErrorCode::not_found, "no section of memory has a mem_map");
  }

  FrameFinder(const MemMap& map, uint64_t base) : map_(&map), base_(base) {}

  const MemMap* map_;
  uint64_t base_;
};

class ListWalker {
 public:
  ListWalker(const KernelMemory& memory, const FrameFinder& frames, const Layout& layout,
             const FreeBlockVisitor& visit)
      : memory_(memory), layout_(layout), frames_(frames), visit_(visit) {}

  void walk_node(uint64_t node) {
    const auto zones = memory_.read<uint32_t>(node + layout_.zone_count);
    if (!zones || *zones > kMaxZones)
      return note_damage(fmt::format("the node at {:#x} cannot be read, or has too many zones", node));
    for (uint64_t zone = 0; zone < *zones && !stopped_; ++zone)
      walk_zone(node + layout_.node_zones + zone * layout_.zone_size);
  }

  FreeListStatistics statistics;

 private:
  void walk_zone(uint64_t zone) {
    for (uint64_t order = 0; order < layout_.orders; ++order) {
      for (uint64_t type = 0; type < layout_.types; ++type) {
        if (stopped_) return;
        walk_list(zone + layout_.free_area + order * layout_.area_size + layout_.free_list +
                      type * layout_.list_size,
                  order);
      }
    }
  }

  // Forwards; where that ends too early, the rest backwards.
  void walk_list(uint64_t head, uint64_t order) {
    // A zone without pages is never initialised.
    if (memory_.read<uint64_t>(head + layout_.next).value_or(1) == 0) return;
    const auto forwards = follow(head, order, layout_.next, layout_.prev);
    if (forwards || stopped_) return;
    note_damage(forwards.error().to_string());
    // Where it meets what was seen before is not known: a block may be visited twice then, which does no
    // harm. Why it ends is known already.
    ignore_result(follow(head, order, layout_.prev, layout_.next));
  }

  // Each node must be the one that its predecessor points to, and point back to it: so no walk can loop.
  Result<> follow(uint64_t head, uint64_t order, uint64_t onwards, uint64_t back) {
    uint64_t last = head;
    for (;;) {
      const uint64_t node = TRY(memory_.read<uint64_t>(last + onwards));
      if (node == head) return {};
      if (TRY(memory_.read<uint64_t>(node + back)) != last)
        return fail(ErrorCode::corrupt, "the list at {:#x}: {:#x} does not point back to {:#x}", head, node,
                    last);
      const uint64_t pfn = TRY(block_at(node - layout_.lru, order));
      ++statistics.blocks;
      statistics.pages += uint64_t{1} << order;
      stopped_ = !visit_(pfn, uint64_t{1} << order);
      if (stopped_) return {};
      last = node;
    }
  }

  Result<uint64_t> block_at(uint64_t page_struct, uint64_t order) {
    const uint64_t pfn = TRY(frames_.frame_of(page_struct));
    const uint64_t noted = TRY(memory_.read<uint64_t>(page_struct + layout_.private_data));
    if (noted != order || (pfn & ((uint64_t{1} << order) - 1)) != 0)
      return fail(ErrorCode::corrupt,
                  "page frame {:#x}, of order {}, is in a list of free blocks of order {}", pfn, noted,
                  order);
    return pfn;
  }

  void note_damage(const std::string& what) {
    ++statistics.damaged;
    if (statistics.first_damage.empty()) statistics.first_damage = what;
  }

  const KernelMemory& memory_;
  const Layout& layout_;
  FrameFinder frames_;
  const FreeBlockVisitor& visit_;
  bool stopped_ = false;
};

// The addresses of struct pglist_data.
Result<std::vector<uint64_t>> find_nodes(const KernelMemory& memory) {
  const Vmcoreinfo& info = memory.vmcoreinfo();
  // Without NUMA there is one, a variable.
  if (const auto only = info.symbol("contig_page_data")) return std::vector{*only};
  auto array = info.symbol("node_data");
  if (!array) array = TRY(Kallsyms::read(memory)).address_of("node_data");
  if (!array) return fail(ErrorCode::not_found, "neither VMCOREINFO nor kallsyms has node_data");
  // As long as the set of nodes has bits. Places of nodes that are not there are 0.
  constexpr uint64_t kBitsOfByte = 8;
  const auto length = info.length("node_data");
  const uint64_t count = length ? *length : TRY(info.require_size("nodemask_t")) * kBitsOfByte;
  std::vector<uint64_t> nodes;
  for (uint64_t node = 0; node < std::min(count, kMaxNodes); ++node) {
    const uint64_t address =
        TRY_CONTEXT(memory.read<uint64_t>(*array + node * sizeof(uint64_t)), "node_data");
    if (address != 0) nodes.push_back(address);
  }
  if (nodes.empty()) return fail(ErrorCode::corrupt, "node_data at {:#x} names no node", *array);
  return nodes;
}

}  // namespace

Result<FreeListStatistics> walk_free_lists(const KernelMemory& memory, const MemMap& map,
                                           const FreeBlockVisitor& visit) {
  const Layout layout = TRY(Layout::read(memory.vmcoreinfo()));
  const auto nodes = TRY(find_nodes(memory));
  ListWalker walker(memory, TRY(FrameFinder::create(map)), layout, visit);
  for (const uint64_t node : nodes) walker.walk_node(node);
  return std::move(walker.statistics);
}

}  // namespace lifeboat
