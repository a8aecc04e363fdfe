// SPDX-License-Identifier: GPL-2.0-or-later
// Where the `struct page` of a page frame is: SPARSEMEM with and without vmemmap (include/linux/mmzone.h).
#pragma once

#include <optional>
#include <vector>

#include "src/vmcore/kernel_memory.h"

namespace lifeboat {

class MemMap {
 public:
  // Reads the roots of mem_section. Fails with `not_found` naming the key that VMCOREINFO lacks.
  // `memory` must outlive this object.
  static Result<MemMap> create(const KernelMemory& memory);

  [[nodiscard]] uint64_t page_struct_size() const { return page_struct_size_; }
  [[nodiscard]] uint64_t pages_per_section() const { return pages_per_section_; }
  // Virtual address of the first struct page of the section holding `pfn`, the array being contiguous for
  // that section; nullopt when the section has none (no RAM, or not present).
  [[nodiscard]] Result<std::optional<uint64_t>> section_map(uint64_t pfn) const;

 private:
  explicit MemMap(const KernelMemory& memory) : memory_(&memory) {}
  const KernelMemory* memory_;
  uint64_t page_struct_size_ = 0;
  uint64_t pages_per_section_ = 0;
  uint64_t section_struct_size_ = 0;
  uint64_t section_map_offset_ = 0;
  uint64_t sections_per_root_ = 0;  // 0: one flat array
  uint64_t section_count_ = 0;
  uint64_t sections_ = 0;  // virtual address of the array, or of the array of roots
};

}  // namespace lifeboat
