// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/vmcore/page_scan.h"

#include <algorithm>
#include <vector>

namespace lifeboat {
namespace {

// 8192 struct pages of 64 bytes: long reads in little memory. A compound page's head is never the last of a
// batch, since both are aligned; only its first tail page is looked at besides.
constexpr uint64_t kBatchPages = 8192;

class Scanner {
 public:
  Scanner(const KernelMemory& memory, const MemMap& map, const PageClassifier& classifier,
          const PageVisitor& visit, FreeBlocks free_blocks)
      : memory_(memory),
        map_(map),
        classifier_(classifier),
        visit_(visit),
        free_blocks_(free_blocks),
        structs_(kBatchPages * map.page_struct_size()),
        unread_(kBatchPages) {}

  void scan(uint64_t first, uint64_t end) {
    uint64_t pfn = first;
    while (pfn < end) {
      const uint64_t section_end = (pfn / map_.pages_per_section() + 1) * map_.pages_per_section();
      const uint64_t stop = std::min(section_end, end);
      pfn = std::max(pfn, next_);
      if (pfn < stop) scan_section(pfn, stop, end);
      pfn = std::max(stop, std::min(next_, end));
    }
    flush();
  }

  PageScanStatistics statistics;

 private:
  void scan_section(uint64_t first, uint64_t stop, uint64_t end) {
    const auto base = map_.section_map(first);
    if (!base || !*base) {
      ++statistics.sections_without_map;
      auto& ranges = statistics.without_map;
      if (ranges.empty() || ranges.back().end != first) ranges.push_back({first, first});
      ranges.back().end = stop;
      if (!base) note_unreadable(stop - first, base.error());
      report(first, stop - first, PageClass::kernel);
      return;
    }
    uint64_t pfn = first;
    while (pfn < stop) {
      const uint64_t batch_end = std::min(stop, (pfn / kBatchPages + 1) * kBatchPages);
      const uint64_t address = **base + pfn % map_.pages_per_section() * map_.page_struct_size();
      const MutableByteSpan structs =
          MutableByteSpan(structs_).first((batch_end - pfn) * map_.page_struct_size());
      read_batch(address, structs);
      pfn = scan_batch(pfn, structs, end);
    }
  }

  void read_batch(uint64_t address, MutableByteSpan structs) {
    const uint64_t size = map_.page_struct_size();
    const uint64_t count = structs.size() / size;
    std::fill_n(unread_.begin(), count, false);
    const auto read = memory_.read(address, structs);
    if (read) return;
    // Some page of the mem_map is not there (a hole within a section, a filtered or damaged dump): what can
    // be read of the batch is read in pieces of one page of mem_map.
    const uint64_t piece = std::max<uint64_t>(memory_.page_size().bytes() / size, 1);
    for (uint64_t index = 0; index < count; index += piece) {
      const uint64_t pages = std::min(piece, count - index);
      const MutableByteSpan part = structs.subspan(index * size, pages * size);
      if (memory_.read(address + index * size, part)) continue;
      if (statistics.first_error.empty()) statistics.first_error = read.error().to_string();
      std::ranges::fill(part, std::byte{0});
      std::fill_n(unread_.begin() + static_cast<std::ptrdiff_t>(index), pages, true);
    }
  }

  // Returns the page frame after the last run.
  uint64_t scan_batch(uint64_t first, ByteSpan structs, uint64_t end) {
    const uint64_t size = map_.page_struct_size();
    const uint64_t count = structs.size() / size;
    uint64_t index = 0;
    while (index < count) {
      PageRun run;
      if (unread_[index]) {
        ++statistics.unreadable_pages;
      } else {
        run = classifier_.classify(first + index, structs.subspan(index * size));
        run.pages = std::min(run.pages, end - (first + index));
        if (run.unknown_type != 0) statistics.note_unknown_type(run.unknown_type, run.pages);
      }
      report_block(first + index, run, structs.subspan(index * size));
      index += run.pages;
    }
    return first + index;
  }

  // How many pages of the run are looked at, for broken ones.
  [[nodiscard]] uint64_t pages_to_check(const PageRun& run) const {
    switch (run.page_class) {
      case PageClass::poisoned:
      case PageClass::offline:
      case PageClass::unaccepted:
        return 0;  // none of them is read
      case PageClass::free:
        return free_blocks_ == FreeBlocks::page_by_page ? run.pages : 1;
      case PageClass::kernel:
      case PageClass::cache:
      case PageClass::cache_private:
      case PageClass::user:
        return run.pages;
    }
    return run.pages;
  }

  // A page, or the pages that a head describes, `structs` from the first one on. Whatever they were used for,
  // a broken one must not be read. Pages behind the batch are not checked: that is hugetlb of 1 GiB, which
  // the kernel marks at its head.
  void report_block(uint64_t pfn, const PageRun& run, ByteSpan structs) {
    const uint64_t size = map_.page_struct_size();
    const uint64_t in_sight = std::min(pages_to_check(run), structs.size() / size);
    uint64_t reported = 0;
    for (uint64_t page = 0; page < in_sight; ++page) {
      const bool broken =
          page == 0 ? run.first_is_broken : classifier_.is_poisoned(structs.subspan(page * size, size));
      if (!broken) continue;
      if (page > reported) report(pfn + reported, page - reported, run.page_class);
      report(pfn + page, 1, PageClass::poisoned);
      reported = page + 1;
    }
    if (run.pages > reported) report(pfn + reported, run.pages - reported, run.page_class);
  }

  void note_unreadable(uint64_t pages, const Error& error) {
    statistics.unreadable_pages += pages;
    if (statistics.first_error.empty()) statistics.first_error = error.to_string();
  }

  // Joins neighbours of one class, so that the visitor is called less often.
  void report(uint64_t pfn, uint64_t pages, PageClass page_class) {
    next_ = pfn + pages;
    if (run_.pages > 0 && page_class == run_.page_class && pfn == run_start_ + run_.pages) {
      run_.pages += pages;
      return;
    }
    flush();
    run_start_ = pfn;
    run_ = {.page_class = page_class, .pages = pages};
  }

  void flush() {
    if (run_.pages > 0) visit_(run_start_, run_.pages, run_.page_class);
    run_.pages = 0;
  }

  const KernelMemory& memory_;
  const MemMap& map_;
  const PageClassifier& classifier_;
  const PageVisitor& visit_;
  FreeBlocks free_blocks_;
  std::vector<std::byte> structs_;
  std::vector<bool> unread_;  // of these: zeros stand in their place
  uint64_t next_ = 0;         // page frames before this one are reported
  uint64_t run_start_ = 0;
  PageRun run_{.pages = 0};
};

}  // namespace

void PageScanStatistics::note_unknown_type(uint32_t type, uint64_t pages) {
  const auto found = std::ranges::find(unknown_types, type, &UnknownPageType::type);
  if (found != unknown_types.end()) {
    found->pages += pages;
  } else if (unknown_types.size() < kMaxUnknownTypes) {
    unknown_types.push_back({type, pages});
  } else {
    other_unknown_pages += pages;
  }
}

void PageScanStatistics::add(const PageScanStatistics& other) {
  sections_without_map += other.sections_without_map;
  unreadable_pages += other.unreadable_pages;
  if (first_error.empty()) first_error = other.first_error;
  for (const auto& [type, pages] : other.unknown_types) note_unknown_type(type, pages);
  other_unknown_pages += other.other_unknown_pages;
}

PageScanStatistics scan_page_classes(const KernelMemory& memory, const MemMap& map,
                                     const PageClassifier& classifier, uint64_t first, uint64_t end,
                                     const PageVisitor& visit, FreeBlocks free_blocks) {
  Scanner scanner(memory, map, classifier, visit, free_blocks);
  scanner.scan(first, end);
  return std::move(scanner.statistics);
}

}  // namespace lifeboat
