// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/kernel_lists.h"

#include <optional>
#include <stdexcept>

#include "src/vmcore/per_cpu.h"

namespace lifeboat::test {
namespace {

constexpr uint64_t kListBytes = 16, kPointer = 8, kMaxNodes = 16;

template <typename T>
T need(Result<T> result, std::string_view what) {
  if (!result) throw std::runtime_error(fmt::format("{}: {}", what, result.error().to_string()));
  return *std::move(result);
}

}  // namespace

KernelLists::KernelLists(const KernelMemory& memory, const Kallsyms& symbols, const KernelTypes& types)
    : memory_(memory), symbols_(symbols), types_(types) {
  vmemmap_ = word(symbol("vmemmap_base"));
  struct_size_ = size_of("page");
  // 5.10 has no folios.
  const auto of_folio = find_offset("folio", "lru");
  lru_ = of_folio ? *of_folio : offset("page", "lru");
  const auto id = types.btf().find(TypeKind::enumeration, "pageflags");
  if (!id) throw std::runtime_error("BTF has no enum pageflags");
  for (const auto& [name, value] : need(types.btf().enumerators(*id), "enum pageflags"))
    flags_.emplace(name, static_cast<uint64_t>(value));
}

uint64_t KernelLists::symbol(const std::string& name) const {
  const auto address = symbols_.address_of(name);
  if (!address) throw std::runtime_error("no symbol " + name);
  return *address;
}

std::optional<uint64_t> KernelLists::find_offset(std::string_view structure, std::string_view member) const {
  const auto field = types_.field(structure, member);
  return field ? std::optional(field->offset) : std::nullopt;
}

uint64_t KernelLists::offset(std::string_view structure, std::string_view member) const {
  return need(types_.field(structure, member), structure).offset;
}

uint64_t KernelLists::size_of(std::string_view structure) const {
  return need(types_.size_of(structure), structure);
}

uint64_t KernelLists::word(uint64_t address) const {
  return need(memory_.read<uint64_t>(address), "the kernel's memory");
}

uint64_t KernelLists::flag(const std::string& name) const {
  const auto found = flags_.find(name);
  return found == flags_.end() ? 0 : uint64_t{1} << found->second;
}

uint64_t KernelLists::frame_of(uint64_t page_struct) const {
  const uint64_t distance = page_struct - vmemmap_;
  if (page_struct < vmemmap_ || distance % struct_size_ != 0)
    throw std::runtime_error(fmt::format("{:#x} is not the address of a struct page", page_struct));
  return distance / struct_size_;
}

std::optional<KernelLists::PageState> KernelLists::page_state(uint64_t pfn) const {
  const uint64_t page = vmemmap_ + pfn * struct_size_;
  const auto flags = memory_.read<uint64_t>(page + offset("page", "flags"));
  if (!flags) return std::nullopt;
  auto head = find_offset("page", "compound_head");
  if (!head) head = offset("page", "compound_info");
  return PageState{
      .flags = *flags,
      .mapcount = need(memory_.read<uint32_t>(page + offset("page", "_mapcount")), "struct page"),
      .tail = (word(page + *head) & 1) != 0};
}

std::optional<uint64_t> KernelLists::place_of(uint64_t pfn) const {
  const auto place = memory_.translate(vmemmap_ + pfn * struct_size_);
  return place ? std::optional(*place) : std::nullopt;
}

uint64_t KernelLists::pages_of_folio(uint64_t page_struct) const {
  if ((word(page_struct + offset("page", "flags")) & flag("PG_head")) == 0) return 1;
  uint64_t order = 0;
  if (const auto in_page = find_offset("page", "compound_order")) {
    order = need(memory_.read<uint8_t>(page_struct + struct_size_ + *in_page), "compound_order");
  } else if (const auto in_folio = find_offset("folio", "_folio_order")) {
    order = need(memory_.read<uint8_t>(page_struct + *in_folio), "_folio_order");
  } else {
    order = word(page_struct + struct_size_ + offset("page", "flags")) & 0xff;
  }
  return uint64_t{1} << order;
}

std::vector<uint64_t> KernelLists::nodes() const {
  std::vector<uint64_t> found;
  for (uint64_t node = 0; node < kMaxNodes; ++node)
    if (const uint64_t address = word(symbol("node_data") + node * kPointer); address != 0)
      found.push_back(address);
  return found;
}

std::vector<uint64_t> KernelLists::list(uint64_t head) const {
  std::vector<uint64_t> found;
  uint64_t last = head;
  for (uint64_t node = word(head); node != head; node = word(node)) {
    if (word(node + kPointer) != last || found.size() > (uint64_t{1} << 24))
      throw std::runtime_error(fmt::format("the list at {:#x} is damaged at {:#x}", head, node));
    found.push_back(node);
    last = node;
  }
  return found;
}

KernelLists::Blocks KernelLists::free_blocks() const {
  Blocks found;
  const Field zones = need(types_.field("pglist_data", "node_zones"), "pglist_data");
  const Field areas = need(types_.field("zone", "free_area"), "zone");
  const Field lists = need(types_.field("free_area", "free_list"), "free_area");
  const uint64_t zone_size = size_of("zone"), area_size = size_of("free_area");
  for (const uint64_t node : nodes()) {
    for (uint64_t zone = node + zones.offset; zone < node + zones.offset + zones.size; zone += zone_size) {
      // Never used: its lists are not even empty.
      if (word(zone + offset("zone", "spanned_pages")) == 0) continue;
      for (uint64_t order = 0; order < areas.size / area_size; ++order) {
        const uint64_t area = zone + areas.offset + order * area_size + lists.offset;
        for (uint64_t type = 0; type < lists.size / kListBytes; ++type)
          for (const uint64_t block : list(area + type * kListBytes))
            found[frame_of(block - lru_)] = uint64_t{1} << order;
      }
    }
  }
  return found;
}

void KernelLists::add_lruvec(uint64_t lruvec, Blocks& found) const {
  const auto add_lists = [&](const Field& lists, uint64_t skipped) {
    for (uint64_t index = 0; index < lists.size / kListBytes; ++index) {
      if (index == skipped) continue;
      for (const uint64_t node : list(lruvec + lists.offset + index * kListBytes))
        found[frame_of(node - lru_)] = pages_of_folio(node - lru_);
    }
  };
  constexpr uint64_t kUnevictable = 4;  // enum lru_list
  add_lists(need(types_.field("lruvec", "lists"), "lruvec"), kUnevictable);
  // 6.1 and later, if built in.
  const auto generations = types_.first_field("lruvec", {"lrugen.folios", "lrugen.lists"});
  if (generations) add_lists(*generations, UINT64_MAX);
}

void KernelLists::add_cgroup(uint64_t cgroup, size_t depth, Blocks& found) const {
  if (depth > 32) throw std::runtime_error("cgroups are nested too deep");
  const uint64_t places = cgroup + offset("mem_cgroup", "nodeinfo");
  for (uint64_t node = 0; node < nodes().size(); ++node)
    add_lruvec(word(places + node * kPointer) + offset("mem_cgroup_per_node", "lruvec"), found);
  const uint64_t sibling = offset("mem_cgroup", "css.sibling");
  for (const uint64_t child : list(cgroup + offset("mem_cgroup", "css.children")))
    add_cgroup(child - sibling, depth + 1, found);
}

KernelLists::Blocks KernelLists::lru_folios() const {
  Blocks found;
  add_cgroup(word(symbol("root_mem_cgroup")), 0, found);
  return found;
}

// Each CPU has a slab of its own, and a chain of partial ones.
void KernelLists::add_slabs_of_cpus(uint64_t cache, Blocks& found) const {
  const auto own = types_.first_field("kmem_cache_cpu", {"slab", "page"});
  const auto partial = find_offset("kmem_cache_cpu", "partial"),
             places = find_offset("kmem_cache", "cpu_slab");
  if (!own || !partial || !places) return;  // newer kernels have none
  const auto of_slab = find_offset("slab", "next");
  const uint64_t next = of_slab ? *of_slab : offset("page", "next");
  const auto areas = need(PerCpu::read(memory_, symbols_), "per-CPU areas");
  for (const auto& cpu : areas.cpus()) {
    const uint64_t place = word(cache + *places) + cpu.offset;
    if (const uint64_t slab = word(place + own->offset); slab != 0) add_slab(slab, found);
    for (uint64_t slab = word(place + *partial); slab != 0; slab = word(slab + next)) add_slab(slab, found);
  }
}

// struct kmem_cache_node of each node: an array of pointers to them, or of structures with such a pointer.
std::vector<uint64_t> KernelLists::nodes_of_cache(uint64_t cache) const {
  const auto plain = find_offset("kmem_cache", "node");
  const uint64_t stride = plain ? kPointer : size_of("kmem_cache_per_node_ptrs");
  const uint64_t first =
      plain ? *plain : offset("kmem_cache", "per_node") + offset("kmem_cache_per_node_ptrs", "node");
  std::vector<uint64_t> found;
  for (uint64_t node = 0; node < nodes().size(); ++node)
    if (const uint64_t lists = word(cache + first + node * stride); lists != 0) found.push_back(lists);
  return found;
}

std::vector<uint64_t> KernelLists::caches() const {
  std::vector<uint64_t> found;
  const uint64_t in_cache = offset("kmem_cache", "list");
  for (const uint64_t link : list(symbol("slab_caches"))) found.push_back(link - in_cache);
  return found;
}

KernelLists::Blocks KernelLists::listed_slabs() const {
  Blocks found;
  const uint64_t partial = offset("kmem_cache_node", "partial");
  // Until 5.16 a slab was a struct page by name, too.
  const auto of_slab = find_offset("slab", "slab_list");
  const uint64_t in_slab = of_slab ? *of_slab : offset("page", "slab_list");
  for (const uint64_t cache : caches()) {
    add_slabs_of_cpus(cache, found);
    for (const uint64_t lists : nodes_of_cache(cache))
      for (const uint64_t slab : list(lists + partial)) add_slab(slab - in_slab, found);
  }
  return found;
}

uint64_t KernelLists::slab_count() const {
  uint64_t count = 0;
  for (const uint64_t cache : caches())
    for (const uint64_t lists : nodes_of_cache(cache))
      count += word(lists + offset("kmem_cache_node", "nr_slabs"));
  return count;
}

bool KernelLists::is_slab(const PageState& page) const {
  if (page.tail) return false;
  if (const uint64_t by_flag = flag("PG_slab"); by_flag != 0) return (page.flags & by_flag) != 0;
  const auto id = types_.btf().find(TypeKind::enumeration, "pagetype");
  if (!id) throw std::runtime_error("BTF has neither PG_slab nor enum pagetype");
  for (const auto& [name, value] : need(types_.btf().enumerators(*id), "enum pagetype"))
    if (name == "PGTY_slab") return page.mapcount >> 24 == static_cast<uint64_t>(value);
  throw std::runtime_error("enum pagetype has no PGTY_slab");
}

}  // namespace lifeboat::test
