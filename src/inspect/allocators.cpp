// SPDX-License-Identifier: GPL-2.0-or-later
// Zones of the page allocator, and slab caches.
#include <algorithm>

#include "src/inspect/memory_use.h"
#include "src/vmcore/linked_list.h"

namespace lifeboat::inspect {
namespace {

constexpr uint64_t kMaxNodes = 1024;  // CONFIG_NODES_SHIFT is 10 at most
constexpr size_t kMaxNotes = 20;

uint64_t number_or_zero(const KernelMemory& memory, uint64_t object, const Field& field) {
  return KernelTypes::number(memory, object, field).value_or(0);
}

class ZoneReader {
 public:
  static Result<ZoneReader> create(const Session& session) {
    const KernelTypes& types = *session.types();
    ZoneReader reader(*session.kernel());
    reader.zones_ = TRY(types.field("pglist_data", "node_zones"));
    reader.zone_size_ = TRY(types.size_of("zone"));
    reader.name_ = TRY(types.field("zone", "name"));
    reader.present_ = TRY(types.field("zone", "present_pages"));
    reader.managed_ = TRY(types.first_field("zone", {"managed_pages.counter", "managed_pages"}));
    // NR_FREE_PAGES is the first of zone_stat_item.
    reader.free_ = TRY(types.first_field("zone", {"vm_stat[0].counter", "vm_stat[0]"}));
    if (const auto marks = types.first_field("zone", {"_watermark[0]", "watermark[0]"}))
      reader.marks_ = *marks;
    return reader;
  }

  void read_node(int node, uint64_t address, ZoneList& list) const {
    const uint64_t count = std::min<uint64_t>(zone_size_ == 0 ? 0 : zones_.size / zone_size_, 16);
    for (uint64_t index = 0; index < count; ++index) {
      const uint64_t zone = address + zones_.offset + index * zone_size_;
      const auto present = KernelTypes::number(*memory_, zone, present_);
      if (!present) {
        if (list.notes.size() < kMaxNotes)
          list.notes.push_back(fmt::format("zone {} of node {}: {}", index, node, present.error().message));
        continue;
      }
      if (*present == 0) continue;
      Zone found{.node = node, .present = *present};
      if (const auto name = KernelTypes::number(*memory_, zone, name_))
        found.name = memory_->read_string(*name, 32).value_or("?");
      found.managed = number_or_zero(*memory_, zone, managed_);
      found.free = number_or_zero(*memory_, zone, free_);
      if (marks_) {
        const auto mark = [&](uint64_t which) {
          Field field = *marks_;
          field.offset += which * field.size;
          return number_or_zero(*memory_, zone, field);
        };
        found.min_watermark = mark(0);
        found.low_watermark = mark(1);
        found.high_watermark = mark(2);
      }
      list.zones.push_back(std::move(found));
    }
  }

 private:
  explicit ZoneReader(const KernelMemory& memory) : memory_(&memory) {}
  const KernelMemory* memory_;
  Field zones_, name_, present_, managed_, free_;
  std::optional<Field> marks_;
  uint64_t zone_size_ = 0;
};

class CacheReader {
 public:
  static Result<CacheReader> create(const Session& session) {
    const KernelTypes& types = *session.types();
    CacheReader reader(*session.kernel());
    reader.list = TRY(types.field("kmem_cache", "list"));
    reader.name_ = TRY(types.field("kmem_cache", "name"));
    reader.size_ = TRY(types.field("kmem_cache", "size"));
    reader.order_ = TRY(types.first_field("kmem_cache", {"oo.x", "oo"}));
    reader.node_ = TRY(types.first_field("kmem_cache", {"node[0]", "per_node[0].node"}));
    // In 7.x a node has two pointers there.
    const auto second = types.first_field("kmem_cache", {"node[1]", "per_node[1].node"});
    if (second && second->offset > reader.node_.offset) reader.stride_ = second->offset - reader.node_.offset;
    const auto slabs = types.first_field("kmem_cache_node", {"nr_slabs.counter", "nr_slabs"});
    const auto objects = types.first_field("kmem_cache_node", {"total_objects.counter", "total_objects"});
    if (!slabs || !objects) {
      return fail(ErrorCode::not_found, "the kernel does not count its slabs (no CONFIG_SLUB_DEBUG): {}",
                  slabs ? objects.error().message : slabs.error().message);
    }
    reader.slabs_ = *slabs;
    reader.objects_ = *objects;
    return reader;
  }

  [[nodiscard]] std::optional<SlabCache> read(uint64_t cache, uint64_t nodes) const {
    const auto name = KernelTypes::number(*memory_, cache, name_);
    if (!name) return std::nullopt;
    SlabCache found;
    found.name = memory_->read_string(*name, 64).value_or("?");
    found.object_size = number_or_zero(*memory_, cache, size_);
    // mm/slub.c: OO_SHIFT
    const uint64_t order = number_or_zero(*memory_, cache, order_) >> 16;
    for (uint64_t node = 0; node < nodes; ++node) {
      const auto pointer = memory_->read<uint64_t>(cache + node_.offset + node * stride_);
      if (!pointer || *pointer == 0) continue;
      found.slabs += number_or_zero(*memory_, *pointer, slabs_);
      found.objects += number_or_zero(*memory_, *pointer, objects_);
    }
    constexpr uint64_t kMaxOrder = 16;
    found.pages = found.slabs << std::min(order, kMaxOrder);
    return found;
  }

  Field list;  // in struct kmem_cache

 private:
  explicit CacheReader(const KernelMemory& memory) : memory_(&memory) {}
  const KernelMemory* memory_;
  Field name_, size_, order_, node_, slabs_, objects_;
  uint64_t stride_ = sizeof(uint64_t);  // from one node to the next
};

// node_data is an array of pointers, null for nodes that are not there; contig_page_data is the only node
// itself.
std::vector<std::pair<int, uint64_t>> find_nodes(const KernelMemory& memory) {
  std::vector<std::pair<int, uint64_t>> nodes;
  const Vmcoreinfo& info = memory.vmcoreinfo();
  if (const auto only = info.symbol("contig_page_data")) nodes.emplace_back(0, *only);
  const auto array = info.symbol("node_data");
  if (!array) return nodes;
  const uint64_t count = std::min(info.length("node_data").value_or(1), kMaxNodes);
  for (uint64_t node = 0; node < count; ++node) {
    const auto pointer = memory.read<uint64_t>(*array + node * 8);
    if (pointer && *pointer != 0) nodes.emplace_back(static_cast<int>(node), *pointer);
  }
  return nodes;
}

}  // namespace

Result<ZoneList> read_zones(const Session& session) {
  if (!session.types()) return std::unexpected(session.types().error());
  const ZoneReader reader = TRY(ZoneReader::create(session));
  ZoneList list;
  for (const auto& [node, address] : find_nodes(*session.kernel())) reader.read_node(node, address, list);
  if (list.zones.empty() && list.notes.empty())
    return fail(ErrorCode::not_found,
                "no memory node: VMCOREINFO has neither node_data nor contig_page_data");
  return list;
}

Result<SlabCaches> read_slab_caches(const Session& session) {
  constexpr uint64_t kMaxCaches = 1 << 20;
  if (!session.types()) return std::unexpected(session.types().error());
  const KernelMemory& memory = *session.kernel();
  const auto head = session.symbols()->address_of("slab_caches");
  if (!head)
    return fail(ErrorCode::not_found,
                "the kernel's symbols do not list slab_caches (CONFIG_KALLSYMS_ALL is needed)");
  const CacheReader reader = TRY(CacheReader::create(session));
  const auto nodes = find_nodes(memory);
  const uint64_t node_count = nodes.empty() ? 1 : static_cast<uint64_t>(nodes.back().first) + 1;
  SlabCaches list;
  const std::string damage = walk_list(memory, *head, kMaxCaches, [&](uint64_t node) {
    auto cache = reader.read(node - reader.list.offset, node_count);
    if (cache) list.caches.push_back(std::move(*cache));
    return cache.has_value();
  });
  if (!damage.empty()) list.notes.push_back("the list of slab caches: " + damage);
  std::ranges::stable_sort(list.caches, std::greater{}, &SlabCache::pages);
  return list;
}

}  // namespace lifeboat::inspect
