// SPDX-License-Identifier: GPL-2.0-or-later
// A small x86-64 kernel's memory, made up: page tables, mem_map, log, names, and the VMCOREINFO with
// their addresses. Laid out as in a 6.12 kernel; tests change single keys and words to get other kernels,
// and damage.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "src/vmcore/kernel_memory.h"
#include "src/vmcore/x86_64/x86_64_architecture.h"
#include "tests/support/fake_image.h"
#include "tests/support/usual_page_size.h"

namespace lifeboat::test {

// Physical memory of which only the pages that were written are there.
class SparseMemory final : public PhysicalMemory {
 public:
  Result<> read(uint64_t address, MutableByteSpan out) override;
  void write(uint64_t address, ByteSpan bytes);
  void write64(uint64_t address, uint64_t value) { write(address, object_bytes(value)); }
  // From now on reading the page at `address` fails so.
  void fail_page(uint64_t address, ErrorCode code) { failures_.insert_or_assign(address / kPageSize, code); }
  void erase_page(uint64_t address) { pages_.erase(address / kPageSize); }
  [[nodiscard]] const std::map<uint64_t, std::vector<std::byte>>& pages() const { return pages_; }

 private:
  std::map<uint64_t, std::vector<std::byte>> pages_;  // by page frame
  std::map<uint64_t, ErrorCode> failures_;
};

// Members of struct page that a test may care about.
struct FakePage {
  uint64_t flags = 0;
  uint64_t mapping = 0;
  uint64_t private_data = 0;
  uint32_t mapcount = 0xffffffff;
  uint64_t compound_head = 0;
};

struct FakeKernelOptions {
  unsigned levels = 4;
  bool sparsemem_extreme = true;
  uint64_t sme_mask = 0;
  uint64_t ram_bytes = uint64_t{32} << 20;  // at least 24 MiB, at most one section of 128 MiB
};

// Flags and page types, with the numbers in the VMCOREINFO of this kernel.
inline constexpr uint64_t kFakeLru = 1u << 5, kFakeHead = 1u << 6, kFakeSwapCache = 1u << 10,
                          kFakePrivate = 1u << 13, kFakeSwapBacked = 1u << 17, kFakePoison = 1u << 21;
inline constexpr uint32_t kFakeBuddy = 0xf0000000, kFakeOffline = 0xf1000000, kFakeHugetlb = 0xf4000000,
                          kFakeSlab = 0xf5000000, kFakeUnaccepted = 0xf7000000;
inline constexpr uint64_t kFakePageSize = 64;  // of struct page
inline constexpr uint64_t kFakeSectionPages = 32768;
inline constexpr uint64_t kFakePhysBase = 0x1000000;

class FakeKernel final : public FakeImage {
 public:
  explicit FakeKernel(const FakeKernelOptions& options = {});

  [[nodiscard]] SparseMemory& memory() { return memory_; }
  [[nodiscard]] uint64_t ram_pages() const { return options_.ram_bytes / kPageSize; }

  [[nodiscard]] KernelMemory open() {
    return KernelMemory::create(memory_, x86_64::architecture(), vmcoreinfo()).value();
  }

  // Maps one page of 4 KiB, 2 MiB or 1 GiB.
  void map(uint64_t virtual_address, uint64_t physical_address, uint64_t page_bytes = kPageSize);
  // The physical address of the entry that maps `virtual_address` at `level` (0: 4 KiB pages); tables are
  // made.
  uint64_t entry_address(uint64_t virtual_address, unsigned level);
  // One after another in physical memory, too.
  uint64_t allocate(uint64_t bytes) override;
  void write(uint64_t virtual_address, ByteSpan bytes) override;
  [[nodiscard]] static uint64_t to_physical(uint64_t virtual_address);
  [[nodiscard]] uint64_t to_virtual(uint64_t physical_address) const;

  [[nodiscard]] static uint64_t page_address(uint64_t pfn);  // of its struct page
  // Physical address of the struct page of page frame 0; the others follow.
  [[nodiscard]] uint64_t mem_map_physical() const { return mem_map_; }
  void set_page(uint64_t pfn, const FakePage& page);
  // A compound page: head as given, tails that point to it, the order where 6.6 and later keep it.
  void set_compound(uint64_t pfn, unsigned order, FakePage head);
  // Section `number` gets a mem_map of its own in this kernel's RAM (2 MiB), all pages the kernel's. One that
  // is there from the beginning covers page frames [0, ram_pages()).
  void add_section(uint64_t number);
  // The same for all sections of a compound page of 2^order page frames, order 15 or more, whose tails share
  // one page of mem_map, as hugetlb does it (mm/hugetlb_vmemmap.c): costs two pages.
  void add_optimised_compound(uint64_t pfn, unsigned order, FakePage head);
  // The entry of section `number`: the whole word section_mem_map.
  void set_section(uint64_t number, uint64_t section_mem_map);

  void set_utsname(const Utsname& uts);

  // The whole as an ELF vmcore with `cpus` NT_PRSTATUS notes. A sparse file: fast, whatever the size of the
  // RAM.
  void write_elf(const std::string& path, int cpus = 2, uint32_t elf_flags = 0) const;
  // The same as a KDUMP file without the page frames in `left_out`; finished only if requested.
  void write_kdump(const std::string& path, const std::vector<uint64_t>& left_out, int level,
                   bool finish = true) const;

 private:
  void add_keys();
  void make_mem_map();
  [[nodiscard]] std::vector<std::byte> notes(int cpus) const;

  FakeKernelOptions options_;
  SparseMemory memory_;
  uint64_t next_physical_ = kFakePhysBase;
  uint64_t root_ = 0;      // physical, of the top page table
  uint64_t sections_ = 0;  // virtual, of mem_section's first (and only) root, or of the flat array
  uint64_t uts_ = 0;
  uint64_t mem_map_ = 0;  // physical
};

}  // namespace lifeboat::test
