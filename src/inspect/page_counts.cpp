// SPDX-License-Identifier: GPL-2.0-or-later
#include "inspect/page_counts.h"

#include <algorithm>

#include "kernel/page_scan.h"

namespace lifeboat::inspect {
namespace {

// No compound page or buddy block crosses such a border (1 GiB), and the clock is looked at after each.
constexpr uint64_t kChunkPages = uint64_t{1} << 18;

class Counter {
 public:
  Counter(const Dump& dump, const KernelMemory& kernel, const MemMap& map, const PageClassifier& classifier)
      : dump_(dump), kernel_(kernel), map_(map), classifier_(classifier) {}

  PageCounts count(std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    uint64_t done = 0;  // page frames before this one are counted
    for (const auto& range : dump_.ram()) {
      const uint64_t last = range.end / kPageSize;
      for (uint64_t pfn = std::max(done, range.start / kPageSize); pfn < last; pfn = done) {
        const uint64_t chunk = pfn / kChunkPages * kChunkPages;
        if (std::chrono::steady_clock::now() >= end) {
          note_time_up(pfn);
          return std::move(counts_);
        }
        count_chunk(chunk, std::min(chunk + kChunkPages, dump_.info().max_pfn));
        done = chunk + kChunkPages;
      }
    }
    note_unreadable();
    return std::move(counts_);
  }

 private:
  void count_chunk(uint64_t first, uint64_t end) {
    const auto statistics = scan_page_classes(kernel_, map_, classifier_, first, end,
                                              [this](uint64_t pfn, uint64_t pages, PageClass page_class) {
                                                count_run(pfn, pages, page_class);
                                              });
    unreadable_ += statistics.unreadable_pages;
    if (first_error_.empty()) first_error_ = statistics.first_error;
  }

  // The part of the run that is RAM.
  void count_run(uint64_t pfn, uint64_t pages, PageClass page_class) {
    auto& found = counts_.of_class[static_cast<size_t>(page_class)];
    const auto& ram = dump_.ram();
    auto range = std::ranges::upper_bound(ram, pfn * kPageSize, {}, &PhysicalRange::end);
    for (; range != ram.end() && range->start < (pfn + pages) * kPageSize; ++range) {
      const uint64_t first = std::max(pfn, range->start / kPageSize);
      const uint64_t end = std::min(pfn + pages, range->end / kPageSize);
      for (uint64_t page = first; page < end; ++page) {
        ++found.pages;
        if (dump_.page_state(page) == PageState::stored) ++found.stored;
      }
    }
  }

  void note_time_up(uint64_t pfn) {
    for (const auto& range : dump_.ram()) {
      const uint64_t first = std::max(pfn, range.start / kPageSize);
      if (first < range.end / kPageSize) counts_.pages_left += range.end / kPageSize - first;
    }
    counts_.notes.push_back(fmt::format("time was up: {} pages were not looked at", counts_.pages_left));
    note_unreadable();
  }

  void note_unreadable() {
    if (unreadable_ == 0) return;
    counts_.notes.push_back(
        fmt::format("the descriptions of {} page frames could not be read; they count as kernel ({})", unreadable_,
                    first_error_));
  }

  const Dump& dump_;
  const KernelMemory& kernel_;
  const MemMap& map_;
  const PageClassifier& classifier_;
  PageCounts counts_;
  uint64_t unreadable_ = 0;
  std::string first_error_;
};

}  // namespace

Result<PageCounts> count_pages(const Session& session, std::chrono::milliseconds limit) {
  if (!session.kernel()) return std::unexpected(session.kernel().error());
  const KernelMemory& kernel = *session.kernel();
  const MemMap map = TRY(MemMap::create(kernel));
  const PageClassifier classifier = TRY(PageClassifier::create(kernel.vmcoreinfo()));
  PageCounts counts = Counter(session.dump(), kernel, map, classifier).count(limit);
  counts.notes.insert(counts.notes.end(), classifier.warnings().begin(), classifier.warnings().end());
  return counts;
}

}  // namespace lifeboat::inspect
