// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/filter.h"

#include <algorithm>

#include "capture/engine/bitmap.h"
#include "capture/engine/mem_map_pages.h"
#include "capture/engine/ram_bits.h"
#include "src/vmcore/free_lists.h"

namespace lifeboat {
namespace {

// A page whose state is unknown is not left out: reading it reports the error.
bool is_left_out(const Dump& source, uint64_t pfn) {
  return source.page_state(pfn).value_or(PageState::stored) == PageState::excluded;
}

// How many of `pages` are RAM, of page frames of this chunk.
uint64_t count_present(std::span<const PfnRange> pages, uint64_t pfn, uint64_t end, const ChunkBits& bits) {
  uint64_t present = 0;
  for (const PfnRange& range : overlapping(pages, pfn, end)) {
    const uint64_t first = std::max(range.first, pfn);
    present += count_bits(bits.ram, first - bits.first_pfn, std::min(range.end, end) - first);
  }
  return present;
}

}  // namespace

FilterStatistics& FilterStatistics::operator+=(const FilterStatistics& other) {
  ram_pages += other.ram_pages;
  stored_pages += other.stored_pages;
  for (size_t index = 0; index < kPageClasses; ++index) pages_of_class[index] += other.pages_of_class[index];
  sections_without_map += other.sections_without_map;
  pages_without_map += other.pages_without_map;
  unreadable_pages += other.unreadable_pages;
  left_out_before += other.left_out_before;
  broken_essential_pages += other.broken_essential_pages;
  essential_pages += other.essential_pages;
  mem_map_pages += other.mem_map_pages;
  return *this;
}

void PageFilter::add_statistics(const PageFilter& other) {
  statistics_ += other.statistics_;
  scanned_.add(other.scanned_);
}

void PageFilter::exclude_missing_in(const Dump& source) {
  // Asked page by page, so only where some are missing.
  if (source.info().stored_pages < source.info().ram_pages) source_ = &source;
}

Result<PageFilter> PageFilter::create(const KernelMemory& kernel, const std::vector<PhysicalRange>& ram,
                                      uint64_t max_pfn, PageSize page_size, int level) {
  PageFilter filter(ram, max_pfn, page_size);
  filter.level_ = level;
  filter.kernel_ = &kernel;
  filter.mem_map_ = TRY_CONTEXT(MemMap::create(kernel), "cannot find the kernel's mem_map");
  filter.classifier_ = TRY_CONTEXT(PageClassifier::create(kernel.vmcoreinfo()), "cannot classify pages");
  return filter;
}

Result<> PageFilter::scan(uint64_t first_pfn, ChunkBits& bits) {
  const uint64_t end = std::min(first_pfn + kChunkPages, max_pfn_);
  const uint64_t bytes = divide_up(end - first_pfn, 8);
  bits.first_pfn = first_pfn;
  bits.ram.assign(bytes, std::byte{0});
  fill_ram_bits(*ram_, page_size_, first_pfn, end, bits.ram);
  bits.stored = bits.ram;

  if (kernel_ != nullptr) {
    // One walk over the whole chunk, holes and all, so that a compound page's head is seen although it may
    // lie in a stretch that is not in the dump.
    const auto visit = [&](uint64_t pfn, uint64_t pages, PageClass page_class) {
      apply_level(pfn, std::min(pfn + pages, end), page_class, bits);
    };
    const auto free_blocks =
        level_excludes(level_, PageClass::free) ? FreeBlocks::as_a_whole : FreeBlocks::page_by_page;
    const PageScanStatistics scanned =
        scan_page_classes(*kernel_, *mem_map_, *classifier_, first_pfn, end, visit, free_blocks);
    scanned_.add(scanned);
    statistics_.sections_without_map = scanned_.sections_without_map;
    for (const PfnRange& range : scanned.without_map)
      statistics_.pages_without_map += count_bits(bits.ram, range.first - first_pfn, range.end - range.first);
    statistics_.unreadable_pages = scanned_.unreadable_pages;
  } else if (on_run_) {
    on_run_(first_pfn, end - first_pfn, PageClass::kernel);
  }
  if (source_ != nullptr) exclude_missing(bits);
  statistics_.ram_pages += count_bits(bits.ram);
  statistics_.stored_pages += count_bits(bits.stored);
  return {};
}

void PageFilter::apply_level(uint64_t pfn, uint64_t end, PageClass page_class, ChunkBits& bits) {
  const uint64_t first = pfn - bits.first_pfn;
  const uint64_t present = count_bits(bits.ram, first, end - pfn);
  statistics_.pages_of_class[static_cast<size_t>(page_class)] += present;
  if (on_run_ && present > 0) on_run_(pfn, end - pfn, page_class);
  if (!level_excludes(level_, page_class)) return;
  fill_bits(bits.stored, first, end - pfn, false);
  // To read a broken page can kill the capture kernel; one that was read before does not.
  const bool broken = page_class == PageClass::poisoned;
  const uint64_t kept = keep_pages(broken ? read_ : essential_, pfn, end, bits);
  statistics_.essential_pages += kept;
  if (broken) statistics_.broken_essential_pages += count_present(essential_, pfn, end, bits) - kept;
}

uint64_t PageFilter::keep_pages(std::span<const PfnRange> pages, uint64_t pfn, uint64_t end,
                                ChunkBits& bits) {
  uint64_t kept = 0;
  for (const PfnRange& range : overlapping(pages, pfn, end)) {
    for (uint64_t page = std::max(range.first, pfn); page < std::min(range.end, end); ++page) {
      if (!test_bit(bits.ram, page - bits.first_pfn)) continue;
      fill_bits(bits.stored, page - bits.first_pfn, 1, true);
      ++kept;
    }
  }
  return kept;
}

void PageFilter::exclude_missing(ChunkBits& bits) {
  for (uint64_t bit = 0; bit < bits.ram.size() * 8; ++bit) {
    if (bits.ram[bit / 8] == std::byte{0}) {
      bit |= 7;  // eight pages at once: holes
    } else if (test_bit(bits.ram, bit) && is_left_out(*source_, bits.first_pfn + bit)) {
      // What the level leaves out is counted with its class.
      if (test_bit(bits.stored, bit)) ++statistics_.left_out_before;
      fill_bits(bits.stored, bit, 1, false);
    }
  }
}

std::optional<uint64_t> PageFilter::next_chunk(uint64_t pfn) const {
  return next_chunk_with_ram(*ram_, page_size_, pfn, max_pfn_);
}

bool PageFilter::needs_free_lists() const {
  return classifier_ && !classifier_->recognises_free_pages() && level_excludes(level_, PageClass::free);
}

Result<> PageFilter::leave_out_listed_pages(StoredBits& stored) {
  StoredBitsEraser eraser(stored, max_pfn_, essential_);
  Result<> written;
  const auto lists = walk_free_lists(*kernel_, *mem_map_, [&](uint64_t pfn, uint64_t pages) {
    written = eraser.clear({pfn, pfn + pages});
    return written.has_value();
  });
  TRY_VOID(written);
  if (!lists) {
    late_warnings_.push_back("the kernel's lists of free pages: " + lists.error().to_string());
    return {};
  }
  const uint64_t left_out = TRY(eraser.finish());
  statistics_.stored_pages -= left_out;
  // The scan took them for the kernel's.
  const auto of_class = [this](PageClass page_class) -> uint64_t& {
    return statistics_.pages_of_class[static_cast<size_t>(page_class)];
  };
  of_class(PageClass::free) += left_out;
  of_class(PageClass::kernel) -= std::min(left_out, of_class(PageClass::kernel));
  free_lists_walked_ = true;
  if (lists->damaged > 0)
    late_warnings_.push_back(fmt::format(
        "{} of the kernel's lists of free pages are damaged; pages that only they show are kept ({})",
        lists->damaged, lists->first_damage));
  return {};
}

Result<> PageFilter::leave_out_more(StoredBits& stored, MemMapPages mem_map) {
  if (needs_free_lists()) TRY_VOID(leave_out_listed_pages(stored));
  if (mem_map == MemMapPages::all || !mem_map_) return {};
  statistics_.mem_map_pages = TRY_CONTEXT(
      leave_out_mem_map({.kernel = *kernel_, .mem_map = *mem_map_, .ram = *ram_, .max_pfn = max_pfn_}, stored,
                        essential_),
      "cannot leave out pages of mem_map");
  statistics_.stored_pages -= statistics_.mem_map_pages;
  return {};
}

std::vector<std::string> PageFilter::warnings() const {
  std::vector<std::string> warnings;
  if (classifier_) warnings = classifier_->warnings();
  if (free_lists_walked_) std::erase(warnings, kFreePagesUnknown);
  if (statistics_.unreadable_pages > 0) {
    warnings.push_back(fmt::format("the descriptors of {} pages cannot be read; these pages are kept ({})",
                                   statistics_.unreadable_pages, scanned_.first_error));
  }
  if (statistics_.pages_without_map > 0)
    warnings.push_back(fmt::format(
        "the kernel's mem_map has nothing of {} pages of memory; they are kept, whatever they are",
        statistics_.pages_without_map));
  for (const auto& [type, pages] : scanned_.unknown_types)
    warnings.push_back(fmt::format(
        "{} pages have an unknown page type ({:#x}); they are kept as the kernel's own", pages, type));
  if (scanned_.other_unknown_pages > 0)
    warnings.push_back(
        fmt::format("{} more pages have other unknown page types; they are kept as the kernel's own",
                    scanned_.other_unknown_pages));
  if (statistics_.broken_essential_pages > 0)
    warnings.push_back(
        fmt::format("{} pages of the kernel's image, per-CPU areas or page tables are marked as broken "
                    "memory; they are left "
                    "out, since to read them could end this kernel",
                    statistics_.broken_essential_pages));
  if (statistics_.essential_pages > 0) {
    warnings.push_back(
        fmt::format("{} pages of the kernel's image, per-CPU areas or page tables are marked as something "
                    "else, as by stale flags; they are kept",
                    statistics_.essential_pages));
  }
  warnings.insert(warnings.end(), late_warnings_.begin(), late_warnings_.end());
  return warnings;
}

}  // namespace lifeboat
