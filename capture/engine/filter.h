// SPDX-License-Identifier: GPL-2.0-or-later
// First stage of a capture: which page frames exist, and which of them to keep.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "capture/engine/stored_bits.h"
#include "src/dump/dump.h"
#include "src/vmcore/kernel_memory.h"
#include "src/vmcore/mem_map.h"
#include "src/vmcore/page_class.h"
#include "src/vmcore/page_scan.h"

namespace lifeboat {

// What of mem_map itself is saved.
enum class MemMapPages : uint8_t { all, of_stored_pages };

struct FilterStatistics {
  uint64_t ram_pages = 0;
  uint64_t stored_pages = 0;
  std::array<uint64_t, kPageClasses> pages_of_class{};
  uint64_t sections_without_map = 0;    // kept: nothing is known of their pages
  uint64_t pages_without_map = 0;       // of RAM in these
  uint64_t unreadable_pages = 0;        // kept: their struct page could not be read
  uint64_t left_out_before = 0;         // the source itself does not have them
  uint64_t broken_essential_pages = 0;  // marked as broken memory, and so left out
  uint64_t essential_pages = 0;         // kept, although the level leaves out what their struct page says
  uint64_t mem_map_pages = 0;           // of mem_map, left out since they describe only pages left out

  FilterStatistics& operator+=(const FilterStatistics& other);
};

// Bits of one chunk, LSB first.
struct ChunkBits {
  uint64_t first_pfn = 0;
  std::vector<std::byte> ram;
  std::vector<std::byte> stored;
};

class PageFilter {
 public:
  // A filter that keeps everything: needs no knowledge of the kernel.
  PageFilter(const std::vector<PhysicalRange>& ram, uint64_t max_pfn, PageSize page_size)
      : ram_(&ram), max_pfn_(max_pfn), page_size_(page_size) {}
  // A filter for `level`. Fails when VMCOREINFO lacks what is needed to find or interpret the mem_map.
  static Result<PageFilter> create(const KernelMemory& kernel, const std::vector<PhysicalRange>& ram,
                                   uint64_t max_pfn, PageSize page_size, int level);

  // For a source that is a filtered dump: the pages that it left out itself stay left out. They cannot be
  // read, and are not lost. `source` must outlive the filter.
  void exclude_missing_in(const Dump& source);

  // Calls `visit` for each run of pages of one class, some of which are RAM, as a scan meets them. Without
  // knowledge of the kernel all are of the class `kernel`.
  void on_run(PageVisitor visit) { on_run_ = std::move(visit); }

  // Pages that no level leaves out (essential_pages.h), in order, with gaps between the ranges. Poisoned ones
  // among them stay out, since to read one can kill the capture kernel, unless they are in `read`: those were
  // read before. What the flags say of offline and unaccepted pages is not believed: the kernel runs in
  // these. Both must outlive the filter.
  void keep(const std::vector<PfnRange>& pages, std::span<const PfnRange> read = {}) {
    essential_ = pages;
    read_ = read;
  }

  // Fills `bits` for the chunk that begins at `first_pfn` (a multiple of kChunkPages).
  Result<> scan(uint64_t first_pfn, ChunkBits& bits);

  // The first chunk at or behind `pfn`, the beginning of a chunk, that has any RAM: its first page frame.
  // The others need not be scanned or written: the gaps between RAM ranges may be a thousand times larger
  // than the RAM.
  [[nodiscard]] std::optional<uint64_t> next_chunk(uint64_t pfn) const;

  // When all chunks are scanned and their bits are in `stored`: leaves out what can be known only then. These
  // are free pages, where only the kernel's lists of them show which they are, and with `mem_map` also pages
  // of mem_map that describe only pages left out. Changes the statistics.
  Result<> leave_out_more(StoredBits& stored, MemMapPages mem_map);

  // Of a filter that scanned other chunks of the same machine.
  void add_statistics(const PageFilter& other);
  [[nodiscard]] const FilterStatistics& statistics() const { return statistics_; }
  [[nodiscard]] std::vector<std::string> warnings() const;

 private:
  void apply_level(uint64_t pfn, uint64_t end, PageClass page_class, ChunkBits& bits);
  uint64_t keep_pages(std::span<const PfnRange> pages, uint64_t pfn, uint64_t end, ChunkBits& bits);
  void exclude_missing(ChunkBits& bits);
  Result<> leave_out_listed_pages(StoredBits& stored);
  [[nodiscard]] bool needs_free_lists() const;

  const std::vector<PhysicalRange>* ram_;
  uint64_t max_pfn_;
  PageSize page_size_;
  int level_ = 0;
  const KernelMemory* kernel_ = nullptr;  // null: keep everything
  const Dump* source_ = nullptr;          // null: it has all of its RAM
  PageVisitor on_run_;
  std::optional<MemMap> mem_map_;
  std::optional<PageClassifier> classifier_;
  std::span<const PfnRange> essential_, read_;
  FilterStatistics statistics_;
  PageScanStatistics scanned_;
  bool free_lists_walked_ = false;
  std::vector<std::string> late_warnings_;  // of leave_out_more()
};

}  // namespace lifeboat
