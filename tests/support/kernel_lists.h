// SPDX-License-Identifier: GPL-2.0-or-later
// The lists that a dumped kernel itself keeps of its pages: free blocks, the LRU lists, partial slabs. They
// are walked by the kernel's own types (BTF) and symbols, without VMCOREINFO and without the classifier, to
// compare with what that says. Whatever does not fit is an exception: the dump is whole, and its kernel was
// healthy.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/vmcore/kernel_types.h"

namespace lifeboat::test {

class KernelLists {
 public:
  // All must outlive this object.
  KernelLists(const KernelMemory& memory, const Kallsyms& symbols, const KernelTypes& types);

  // Blocks of pages: the first page frame, and how many there are.
  using Blocks = std::map<uint64_t, uint64_t>;
  // zone->free_area of all nodes.
  [[nodiscard]] Blocks free_blocks() const;
  // The lists of each memory cgroup and node, with those of the multi-generational LRU. Not the unevictable
  // ones, which are on no list (from 5.18 on).
  [[nodiscard]] Blocks lru_folios() const;
  // Slabs of all caches that are partly used, and those that a CPU allocates from. Others are on no list.
  [[nodiscard]] Blocks listed_slabs() const;
  // How many slabs there are, by the counters of the caches.
  [[nodiscard]] uint64_t slab_count() const;

  struct PageState {
    uint64_t flags = 0;
    uint32_t mapcount = 0;  // or the page's type
    bool tail = false;
  };
  // nullopt: the struct page cannot be read, or there is none.
  [[nodiscard]] std::optional<PageState> page_state(uint64_t pfn) const;
  // The physical address of the struct page; nullopt: there is none.
  [[nodiscard]] std::optional<uint64_t> place_of(uint64_t pfn) const;
  // Whether this is the first page of a slab.
  [[nodiscard]] bool is_slab(const PageState& page) const;
  // The bit of enum pageflags as a mask; 0: this kernel does not have it.
  [[nodiscard]] uint64_t flag(const std::string& name) const;

 private:
  [[nodiscard]] uint64_t symbol(const std::string& name) const;
  [[nodiscard]] uint64_t offset(std::string_view structure, std::string_view member) const;
  [[nodiscard]] std::optional<uint64_t> find_offset(std::string_view structure,
                                                    std::string_view member) const;
  [[nodiscard]] uint64_t size_of(std::string_view structure) const;
  [[nodiscard]] uint64_t word(uint64_t address) const;
  [[nodiscard]] uint64_t frame_of(uint64_t page_struct) const;
  [[nodiscard]] uint64_t pages_of_folio(uint64_t page_struct) const;
  [[nodiscard]] std::vector<uint64_t> nodes() const;
  // The addresses of the list_heads behind `head`.
  [[nodiscard]] std::vector<uint64_t> list(uint64_t head) const;
  void add_lruvec(uint64_t lruvec, Blocks& found) const;
  void add_cgroup(uint64_t cgroup, size_t depth, Blocks& found) const;
  void add_slab(uint64_t slab, Blocks& found) const { found[frame_of(slab)] = pages_of_folio(slab); }
  [[nodiscard]] std::vector<uint64_t> caches() const;
  [[nodiscard]] std::vector<uint64_t> nodes_of_cache(uint64_t cache) const;
  void add_slabs_of_cpus(uint64_t cache, Blocks& found) const;

  const KernelMemory& memory_;
  const Kallsyms& symbols_;
  const KernelTypes& types_;
  uint64_t vmemmap_ = 0, struct_size_ = 0, lru_ = 0;
  std::map<std::string, uint64_t, std::less<>> flags_;
};

}  // namespace lifeboat::test
