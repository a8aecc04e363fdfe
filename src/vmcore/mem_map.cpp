// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/mem_map.h"

namespace lifeboat {
namespace {

// SECTION_HAS_MEM_MAP (include/linux/mmzone.h).
constexpr uint64_t kHasMemMap = 2;
Result<uint64_t> within(uint64_t value, uint64_t min, uint64_t max, const char* what) {
  if (value < min || value > max)
    return fail(ErrorCode::corrupt, "VMCOREINFO has a wrong {}: {}, allowed are {} to {}", what, value, min,
                max);
  return value;
}

}  // namespace

Result<MemMap> MemMap::create(const KernelMemory& memory) {
  const Vmcoreinfo& info = memory.vmcoreinfo();
  const uint64_t page_size = memory.page_size().bytes();
  const unsigned page_bits = memory.page_size().shift();
  MemMap map(memory);
  map.page_struct_size_ = TRY(within(TRY(info.require_size("page")), 8, page_size, "SIZE(page)"));
  map.section_struct_size_ =
      TRY(within(TRY(info.require_size("mem_section")), 8, page_size, "SIZE(mem_section)"));
  map.section_map_offset_ = TRY(within(TRY(info.require_offset("mem_section.section_mem_map")), 0,
                                       map.section_struct_size_ - 8, "OFFSET(mem_section.section_mem_map)"));
  const auto section_bits = static_cast<uint64_t>(TRY(info.require_number("SECTION_SIZE_BITS")));
  const auto physical_bits = static_cast<uint64_t>(TRY(info.require_number("MAX_PHYSMEM_BITS")));
  TRY_VOID(within(section_bits, page_bits + 3, 40, "NUMBER(SECTION_SIZE_BITS)"));
  TRY_VOID(within(physical_bits, section_bits, 56, "NUMBER(MAX_PHYSMEM_BITS)"));
  map.pages_per_section_ = uint64_t{1} << (section_bits - page_bits);
  map.section_count_ = uint64_t{1} << (physical_bits - section_bits);
  // SPARSEMEM_EXTREME: mem_section is an array of pointers to pages full of sections. VMCOREINFO exports its
  // value, not the variable's address (VMCOREINFO_SYMBOL_ARRAY), and its length only then differs from the
  // number of sections.
  const auto roots = info.length("mem_section");
  if (roots && *roots < map.section_count_) map.sections_per_root_ = page_size / map.section_struct_size_;
  map.sections_ = TRY(info.require_symbol("mem_section"));
  return map;
}

Result<std::optional<uint64_t>> MemMap::section_map(uint64_t pfn) const {
  const uint64_t section = pfn / pages_per_section_;
  if (section >= section_count_) return std::nullopt;
  uint64_t address = sections_ + section * section_struct_size_;
  if (sections_per_root_ != 0) {
    const uint64_t slot = sections_ + section / sections_per_root_ * sizeof(uint64_t);
    const uint64_t root = TRY(memory_->read<uint64_t>(slot));
    if (root == 0) return std::nullopt;
    address = root + section % sections_per_root_ * section_struct_size_;
  }
  const uint64_t encoded = TRY(memory_->read<uint64_t>(address + section_map_offset_));
  if ((encoded & kHasMemMap) == 0) return std::nullopt;
  // The encoded address is a multiple of a page: a mem_map is page-aligned and a section's pages fill whole
  // pages of it. The kernel keeps flags in the low bits, a few more with each release.
  const uint64_t flags = memory_->page_size().bytes() - 1;
  const uint64_t first = (encoded & ~flags) + section * pages_per_section_ * page_struct_size_;
  if (first < memory_->architecture().facts().lowest_kernel_address)
    return fail(ErrorCode::corrupt, "section {}: invalid mem_map address {:#x}", section, first);
  return first;
}

}  // namespace lifeboat
