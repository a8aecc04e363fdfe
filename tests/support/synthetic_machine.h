// SPDX-License-Identifier: GPL-2.0-or-later
// A machine of any size as a dump that is stored nowhere: page tables, sections, mem_map and pages are made
// when they are read. It takes the same memory for 16 TiB as for 1 GiB, so what else a scan or a capture
// takes is its own.
#pragma once

#include <array>
#include <vector>

#include "src/dump/dump.h"
#include "src/vmcore/page_class.h"
#include "tests/support/fake_pages.h"

namespace lifeboat::test {

struct SyntheticMachineOptions {
  // Of RAM; a multiple of 128 MiB (a section), at most kMaxSyntheticRam.
  uint64_t ram_bytes = uint64_t{64} << 30;
  // Those that are kept at level 31: the first page frames of each section of 32768.
  uint64_t kernel_pages_per_section = 2;
};
inline constexpr uint64_t kMaxSyntheticRam = uint64_t{16} << 40;

// What the 512 page frames of an aligned block of 2 MiB are used for, but for the kernel's among them.
enum class SyntheticBlock {
  huge,   // one compound page of anonymous memory
  free,   // one block of the buddy allocator
  cache,  // single pages of cache
  user,   // single pages of anonymous memory
  mixed,  // single pages, neighbours of different use
};
inline constexpr uint64_t kSyntheticBlockPages = 512;

// A kernel as FakeKernel lays it out, whose RAM has the usual hole below 4 GiB. May be read by several
// threads at a time.
class SyntheticMachine final : public Dump {
 public:
  explicit SyntheticMachine(const SyntheticMachineOptions& options = {});

  [[nodiscard]] const DumpInfo& info() const override { return info_; }
  [[nodiscard]] Result<PageState> page_state(uint64_t pfn) const override;
  [[nodiscard]] const std::vector<PhysicalRange>& ram() const override { return ram_; }
  [[nodiscard]] bool parallel_reads() const override { return true; }
  Result<> read(uint64_t physical_address, MutableByteSpan out) override;
  // Finds nothing: there is no file that could be damaged.
  void verify(VerifyReport& report, Progress& progress) override;

  [[nodiscard]] static SyntheticBlock block_of(uint64_t pfn);
  // How many page frames of RAM the mem_map has in each class.
  [[nodiscard]] std::array<uint64_t, kPageClasses> pages_of_class() const;
  // Physical address of the struct pages of the section that holds `pfn`; behind all RAM.
  [[nodiscard]] static uint64_t mem_map_of_section(uint64_t pfn);

 private:
  using Struct = std::array<std::byte, kFakePageSize>;

  void learn_structs();
  void lay_out_ram();
  void map_what_is_made();
  void describe();
  [[nodiscard]] Struct struct_at(uint64_t pfn);
  [[nodiscard]] bool has_section(uint64_t number) const;
  [[nodiscard]] uint64_t kernel_pages(uint64_t section) const;
  // Each fills the beginning of `out`, and returns how many bytes of it.
  size_t read_mem_map(uint64_t offset, MutableByteSpan out) const;
  size_t read_table(uint64_t offset, MutableByteSpan out) const;
  size_t read_sections(uint64_t offset, MutableByteSpan out) const;
  size_t read_ram(uint64_t address, MutableByteSpan out);
  // The struct pages of whole page frames from `pfn` on, up to the end of their block at most.
  size_t make_structs(uint64_t pfn, MutableByteSpan out) const;
  void make_huge(uint64_t pfn, MutableByteSpan out) const;

  SyntheticMachineOptions options_;
  FakeKernel fake_;  // what is stored: the kernel's image
  DumpInfo info_;
  std::vector<PhysicalRange> ram_;
  uint64_t sections_ = 0;  // up to the end of RAM, those in its hole included
  // struct pages, by use.
  Struct kernel_, cache_, cache_private_, user_, free_page_, free_block_, huge_head_, huge_first_tail_,
      huge_tail_;
};

}  // namespace lifeboat::test
