// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/dump_estimate.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <iterator>

#include "capture/engine/locked_memory.h"
#include "capture/engine/page_hash.h"
#include "capture/engine/scan.h"
#include "src/dump/codec.h"
#include "src/dump/kdump_format.h"
#include "src/vmcore/dump_kernel.h"

namespace lifeboat {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Some page frames of a class, from all over the memory: every N-th page, N growing with their number.
class ClassSample {
 public:
  void add(uint64_t pfn, uint64_t pages) {
    // The first page at or behind pfn whose number in the class is a multiple of the step.
    for (uint64_t next = divide_up(seen_, step_) * step_; next < seen_ + pages;) {
      pfns_.push_back(pfn + (next - seen_));
      if (pfns_.size() == 2 * kPages) thin_out();
      next = (next / step_ + 1) * step_;
    }
    seen_ += pages;
  }
  [[nodiscard]] const std::vector<uint64_t>& pfns() const { return pfns_; }

 private:
  static constexpr size_t kPages = 256;
  void thin_out() {
    for (size_t index = 0; index < kPages; ++index) pfns_[index] = pfns_[2 * index];
    pfns_.resize(kPages);
    step_ *= 2;
  }
  uint64_t seen_ = 0, step_ = 1;
  std::vector<uint64_t> pfns_;
};
using Samples = std::array<ClassSample, kPageClasses>;

// Reading these can crash the kernel that does it.
bool is_readable(PageClass page_class) {
  return page_class != PageClass::poisoned && page_class != PageClass::offline &&
         page_class != PageClass::unaccepted;
}

class Estimating {
 public:
  Estimating(Dump& source, const EstimateOptions& options, Progress& progress)
      : source_(source), memory_(source), options_(options), progress_(progress) {}

  Result<DumpEstimate> run() {
    const DumpInfo& info = source_.info();
    estimate_.page_size = info.page_size;
    estimate_.fixed_bytes = info.page_size.bytes(2) + sizeof(kdump::SubHeader) + info.notes.size() +
                            2 * info.page_size.bytes(info.page_size.pages(divide_up(info.max_pfn, 8)));
    TRY_VOID(scan());
    TRY_VOID(look_at_samples());
    return std::move(estimate_);
  }

 private:
  // One thread's filter: at the level that leaves nothing out, since all classes are counted.
  Result<PageFilter> make_filter(size_t thread) {
    const DumpInfo& info = source_.info();
    auto kernel = kernel_of(source_, memory_);
    auto filter = kernel ? PageFilter::create(views_.emplace_back(*std::move(kernel)), source_.ram(),
                                              info.max_pfn, info.page_size, 0)
                         : Result<PageFilter>(std::unexpected(std::move(kernel).error()));
    estimate_.filtered = filter.has_value();
    if (!filter) {
      estimate_.warnings = {fmt::format("pages cannot be classified: {}", filter.error().to_string())};
      filter = PageFilter(source_.ram(), info.max_pfn, info.page_size);
    }
    filter->exclude_missing_in(source_);
    filter->on_run([this, thread](uint64_t pfn, uint64_t pages, PageClass page_class) {
      samples_[thread][static_cast<size_t>(page_class)].add(pfn, pages);
    });
    return filter;
  }

  Result<> scan() {
    progress_.phase("scan");
    const auto begin = Clock::now();
    const DumpInfo& info = source_.info();
    const bool alone = !source_.parallel_reads();
    estimate_.threads = alone ? 1 : options_.threads;
    samples_.resize(estimate_.threads);
    size_t threads = 0;
    PageFilter filter = TRY(make_filter(threads++));
    const uint64_t step =
        options_.most_chunks == 0 ? 1 : divide_up(count_chunks(filter), options_.most_chunks);
    estimate_.scanned_part = static_cast<unsigned>(std::max<uint64_t>(step, 1));
    const ChunkSink nothing = [](const ChunkBits&) -> Result<> { return {}; };
    TRY_VOID(scan_chunks(
        filter, {.threads = estimate_.threads, .step = estimate_.scanned_part},
        [&] { return make_filter(threads++); }, info.max_pfn, info.page_size, nothing, progress_));
    const FilterStatistics& found = filter.statistics();
    estimate_.ram_pages = found.ram_pages * estimate_.scanned_part;
    uint64_t classified = 0;
    for (size_t index = 0; index < kPageClasses; ++index) {
      estimate_.classes[index].pages = found.pages_of_class[index] * estimate_.scanned_part;
      classified += estimate_.classes[index].pages;
    }
    // What has no class is kept.
    auto& kernel = estimate_.classes[static_cast<size_t>(PageClass::kernel)];
    if (classified < estimate_.ram_pages) kernel.pages += estimate_.ram_pages - classified;
    std::ranges::copy(filter.warnings(), std::back_inserter(estimate_.warnings));
    estimate_.scan_seconds = seconds_since(begin);
    return {};
  }

  static uint64_t count_chunks(const PageFilter& filter) {
    uint64_t chunks = 0;
    for (auto chunk = filter.next_chunk(0); chunk; chunk = filter.next_chunk(*chunk + kChunkPages)) ++chunks;
    return chunks;
  }

  Result<> look_at_samples() {
    progress_.phase("sample");
    std::unique_ptr<PageCompressor> compressor;
    // With `auto` the capture measures; here the default codec stands for its choice.
    const auto codec = options_.compression.automatic ? CompressionChoice{} : options_.compression;
    if (codec.compression != Compression::none) compressor = TRY(PageCompressor::create(codec));
    std::vector<std::byte> page(source_.page_size().bytes());
    for (size_t index = 0; index < kPageClasses; ++index) {
      if (!is_readable(static_cast<PageClass>(index))) continue;
      for (const auto& samples : samples_) {
        for (const uint64_t pfn : samples[index].pfns()) {
          if (source_.read(source_.page_size().address(pfn), page))
            TRY_VOID(look_at(page, compressor.get(), estimate_.classes[index]));
        }
      }
    }
    return {};
  }

  Result<> look_at(ByteSpan page, PageCompressor* compressor, ClassEstimate& found) {
    ++found.sampled;
    if (is_zero_page(page)) {
      ++found.zero;
      return {};
    }
    if (compressor == nullptr) {
      found.packed_bytes += page.size();
      return {};
    }
    const auto begin = Clock::now();
    const ByteSpan packed = TRY(compressor->compress(page));
    estimate_.codec_seconds += seconds_since(begin);
    found.packed_bytes += packed.empty() ? page.size() : packed.size();
    return {};
  }

  Dump& source_;
  LockedMemory memory_;
  const EstimateOptions& options_;
  Progress& progress_;
  std::deque<KernelMemory> views_;
  std::deque<Samples> samples_;  // one for each thread
  DumpEstimate estimate_;
};

bool is_kept(int level, size_t page_class) {
  return !level_excludes(level, static_cast<PageClass>(page_class));
}

// Pages that are stored with data of their own.
double pages_with_data(const ClassEstimate& found) {
  // Without a sample, all of them.
  const double share = found.sampled == 0 ? 1
                                          : static_cast<double>(found.sampled - found.zero) /
                                                static_cast<double>(found.sampled);
  return share * static_cast<double>(found.pages);
}

}  // namespace

uint64_t DumpEstimate::pages_at(int level) const {
  uint64_t pages = 0;
  for (size_t index = 0; index < kPageClasses; ++index)
    if (is_kept(level, index)) pages += classes[index].pages;
  return pages;
}

uint64_t DumpEstimate::bytes_at(int level) const {
  double bytes = static_cast<double>(fixed_bytes);
  for (size_t index = 0; index < kPageClasses; ++index) {
    if (!is_kept(level, index)) continue;
    const ClassEstimate& found = classes[index];
    const uint64_t with_data = found.sampled - found.zero;
    const double page = with_data == 0
                            ? static_cast<double>(page_size.bytes())
                            : static_cast<double>(found.packed_bytes) / static_cast<double>(with_data);
    bytes += static_cast<double>(found.pages * sizeof(kdump::PageDescriptor)) + pages_with_data(found) * page;
  }
  return static_cast<uint64_t>(bytes);
}

double DumpEstimate::codec_seconds_at(int level) const {
  uint64_t sampled = 0;
  double pages = 0;
  for (size_t index = 0; index < kPageClasses; ++index) {
    sampled += classes[index].sampled - classes[index].zero;
    if (is_kept(level, index)) pages += pages_with_data(classes[index]);
  }
  return sampled == 0 ? 0 : codec_seconds / static_cast<double>(sampled) * pages;
}

Result<DumpEstimate> estimate_dump(Dump& source, const EstimateOptions& options, Progress& progress) {
  if (source.info().max_pfn == 0) return fail(ErrorCode::corrupt, "the source describes no memory at all");
  auto estimate = Estimating(source, options, progress).run();
  progress.finish();
  return estimate;
}

}  // namespace lifeboat
