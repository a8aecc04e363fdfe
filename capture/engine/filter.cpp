// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/filter.h"

#include <algorithm>

#include "capture/engine/bitmap.h"

namespace lifeboat {
namespace {

// Calls visit(first, end) for each stretch of RAM page frames within [first, end). A page frame that is RAM
// only in part counts: an extra page does no harm.
template <typename Visit>
void for_each_ram_stretch(const std::vector<PhysicalRange>& ram, PageSize page_size, uint64_t first,
                          uint64_t end, Visit visit) {
  for (auto at = std::ranges::upper_bound(ram, page_size.address(first), {}, &PhysicalRange::end);
       at != ram.end(); ++at) {
    const PhysicalRange& range = *at;
    if (page_size.frame(range.start) >= end) break;
    const uint64_t from = std::max(page_size.frame(range.start), first);
    const uint64_t to = std::min(page_size.pages(range.end), end);
    if (from < to) visit(from, to);
  }
}

// A page whose state is unknown is not left out: reading it reports the error.
bool is_left_out(const Dump& source, uint64_t pfn) {
  return source.page_state(pfn).value_or(PageState::stored) == PageState::excluded;
}

}  // namespace

FilterStatistics& FilterStatistics::operator+=(const FilterStatistics& other) {
  ram_pages += other.ram_pages;
  stored_pages += other.stored_pages;
  for (size_t index = 0; index < kPageClasses; ++index) pages_of_class[index] += other.pages_of_class[index];
  sections_without_map += other.sections_without_map;
  unreadable_pages += other.unreadable_pages;
  left_out_before += other.left_out_before;
  return *this;
}

void PageFilter::add_statistics(const PageFilter& other) {
  statistics_ += other.statistics_;
  if (first_unreadable_.empty()) first_unreadable_ = other.first_unreadable_;
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
  for_each_ram_stretch(*ram_, page_size_, first_pfn, end, [&](uint64_t from, uint64_t to) {
    fill_bits(bits.ram, from - first_pfn, to - from, true);
  });
  bits.stored = bits.ram;

  if (kernel_ != nullptr) {
    // One walk over the whole chunk, holes and all, so that a compound page's head is seen although it may
    // lie in a stretch that is not in the dump.
    const auto drop = [&](uint64_t pfn, uint64_t pages, PageClass page_class) {
      const uint64_t stop = std::min(pfn + pages, end);
      const uint64_t present = count_bits(bits.ram, pfn - first_pfn, stop - pfn);
      statistics_.pages_of_class[static_cast<size_t>(page_class)] += present;
      if (on_run_ && present > 0) on_run_(pfn, stop - pfn, page_class);
      if (level_excludes(level_, page_class)) fill_bits(bits.stored, pfn - first_pfn, stop - pfn, false);
    };
    const PageScanStatistics scanned =
        scan_page_classes(*kernel_, *mem_map_, *classifier_, first_pfn, end, drop);
    statistics_.sections_without_map += scanned.sections_without_map;
    statistics_.unreadable_pages += scanned.unreadable_pages;
    if (first_unreadable_.empty()) first_unreadable_ = scanned.first_error;
  } else if (on_run_) {
    for_each_ram_stretch(*ram_, page_size_, first_pfn, end,
                         [&](uint64_t from, uint64_t to) { on_run_(from, to - from, PageClass::kernel); });
  }
  if (source_ != nullptr) exclude_missing(bits);
  statistics_.ram_pages += count_bits(bits.ram);
  statistics_.stored_pages += count_bits(bits.stored);
  return {};
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
  const auto range = std::ranges::upper_bound(*ram_, page_size_.address(pfn), {}, &PhysicalRange::end);
  if (range == ram_->end()) return std::nullopt;
  const uint64_t first = std::max(pfn, page_size_.frame(range->start) / kChunkPages * kChunkPages);
  return first < max_pfn_ ? std::optional(first) : std::nullopt;
}

std::vector<std::string> PageFilter::warnings() const {
  std::vector<std::string> warnings;
  if (classifier_) warnings = classifier_->warnings();
  if (statistics_.unreadable_pages > 0) {
    warnings.push_back(fmt::format("the descriptors of {} pages cannot be read; these pages are kept ({})",
                                   statistics_.unreadable_pages, first_unreadable_));
  }
  return warnings;
}

}  // namespace lifeboat
