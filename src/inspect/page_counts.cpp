// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/inspect/page_counts.h"

#include <algorithm>

#include "src/vmcore/page_scan.h"

namespace lifeboat::inspect {
namespace {

// No compound page or buddy block crosses such a border (1 GiB of 4 KiB pages; larger pages have larger huge
// pages), and the time limit is checked after each.
constexpr uint64_t kChunkPages = uint64_t{1} << 18;

class Counter {
 public:
  Counter(const Dump& dump, const KernelMemory& kernel, const MemMap& map, const PageClassifier& classifier)
      : dump_(dump), page_(dump.page_size()), kernel_(kernel), map_(map), classifier_(classifier) {}

  PageCounts count(std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    uint64_t done = 0;  // page frames before this one are counted
    for (const auto& range : dump_.ram()) {
      const uint64_t last = page_.frame(range.end);
      for (uint64_t pfn = std::max(done, page_.frame(range.start)); pfn < last; pfn = done) {
        const uint64_t chunk = pfn / kChunkPages * kChunkPages;
        if (std::chrono::steady_clock::now() >= end) {
          note_time_up(pfn);
          return std::move(counts_);
        }
        count_chunk(chunk, std::min(chunk + kChunkPages, last_ram_before(chunk + kChunkPages)));
        done = chunk + kChunkPages;
      }
    }
    note_unreadable();
    return std::move(counts_);
  }

  uint64_t unreadable = 0;
  std::string first_error;

 private:
  void count_chunk(uint64_t first, uint64_t end) {
    const auto statistics = scan_page_classes(
        kernel_, map_, classifier_, first, end,
        [this](uint64_t pfn, uint64_t pages, PageClass page_class) { count_run(pfn, pages, page_class); });
    unreadable += statistics.unreadable_pages;
    if (first_error.empty()) first_error = statistics.first_error;
  }

  // One past the last page frame of RAM that begins before `pfn`: after it the mem_map may end, which is not
  // damage.
  [[nodiscard]] uint64_t last_ram_before(uint64_t pfn) const {
    const auto after = std::ranges::lower_bound(dump_.ram(), page_.address(pfn), {}, &PhysicalRange::start);
    return after == dump_.ram().begin() ? 0 : page_.frame(std::prev(after)->end);
  }

  // The part of the run that is RAM.
  void count_run(uint64_t pfn, uint64_t pages, PageClass page_class) {
    auto& found = counts_.of_class[static_cast<size_t>(page_class)];
    const auto& ram = dump_.ram();
    auto range = std::ranges::upper_bound(ram, page_.address(pfn), {}, &PhysicalRange::end);
    for (; range != ram.end() && range->start < page_.address(pfn + pages); ++range) {
      const uint64_t first = std::max(pfn, page_.frame(range->start));
      const uint64_t end = std::min(pfn + pages, page_.frame(range->end));
      if (first >= end) continue;
      found.pages += end - first;
      found.stored += count_stored(first, end);
    }
  }

  uint64_t count_stored(uint64_t pfn, uint64_t end) {
    uint64_t count = 0;
    for (;;) {
      const auto run = dump_.next_stored(pfn, end);
      if (!run) {
        state_unknown_ += end - pfn;
        if (why_unknown_.empty()) why_unknown_ = run.error().to_string();
      }
      if (!run || !*run) return count;
      count += (*run)->end - (*run)->first;
      pfn = (*run)->end;
    }
  }

  void note_time_up(uint64_t pfn) {
    for (const auto& range : dump_.ram()) {
      const uint64_t first = std::max(pfn, page_.frame(range.start));
      const uint64_t end = page_.frame(range.end);
      if (first < end) counts_.pages_left += end - first;
    }
    counts_.notes.push_back(fmt::format("time limit reached: {} pages were not counted", counts_.pages_left));
    note_unreadable();
  }

  void note_unreadable() {
    if (state_unknown_ > 0) {
      counts_.notes.push_back(
          fmt::format("cannot read whether {} pages are stored; they do not count as stored ({})",
                      state_unknown_, why_unknown_));
    }
    if (unreadable == 0) return;
    if (dump_.info().mem_map_left_out) {
      counts_.notes.push_back(fmt::format(
          "the dump has no mem_map of {} page frames, most of which it left out; they count as kernel",
          unreadable));
      return;
    }
    counts_.notes.push_back(
        fmt::format("the descriptions of {} page frames could not be read; they count as kernel ({})",
                    unreadable, first_error));
  }

  const Dump& dump_;
  PageSize page_;
  const KernelMemory& kernel_;
  const MemMap& map_;
  const PageClassifier& classifier_;
  PageCounts counts_;
  uint64_t state_unknown_ = 0;
  std::string why_unknown_;
};

}  // namespace

Result<PageCounts> count_pages(const Session& session, std::chrono::milliseconds limit) {
  if (!session.kernel()) return std::unexpected(session.kernel().error());
  const KernelMemory& kernel = *session.kernel();
  const MemMap map = TRY(MemMap::create(kernel));
  const PageClassifier classifier = TRY(PageClassifier::create(kernel.vmcoreinfo()));
  Counter counter(session.dump(), kernel, map, classifier);
  PageCounts counts = counter.count(limit);
  if (counter.unreadable >= session.dump().info().ram_pages)
    return fail(ErrorCode::excluded, "the kernel's mem_map is not in the dump: {}", counter.first_error);
  counts.notes.insert(counts.notes.end(), classifier.warnings().begin(), classifier.warnings().end());
  return counts;
}

}  // namespace lifeboat::inspect
