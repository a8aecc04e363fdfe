// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/scan.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <vector>

#include "capture/engine/workers.h"

namespace lifeboat {
namespace {

// Hands out chunks, and takes their bits in any order: each has its place in the file.
class ChunkScan {
 public:
  ChunkScan(const PageFilter& filter, unsigned step, uint64_t bytes, PageSize page_size,
            const ChunkSink& sink, Progress& progress)
      : filter_(filter),
        step_(step),
        bytes_(bytes),
        page_size_(page_size),
        sink_(sink),
        progress_(progress) {}

  // A thread's work.
  Result<> run(PageFilter& filter) {
    ChunkBits bits;
    while (const auto first = take()) {
      auto done = filter.scan(*first, bits);
      if (done) done = pass_on(bits);
      if (done) continue;
      const std::scoped_lock lock(mutex_);
      stopped_ = true;
      return done;
    }
    return {};
  }

 private:
  // The first page frame of the next chunk with any RAM. What is left out of the file is a hole, whose bits
  // read as zeros.
  std::optional<uint64_t> take() {
    const std::scoped_lock lock(mutex_);
    while (!stopped_) {
      const auto first = filter_.next_chunk(next_);
      if (!first) return std::nullopt;
      next_ = *first + kChunkPages;
      if (chunks_++ % step_ == 0) return first;
    }
    return std::nullopt;
  }

  Result<> pass_on(const ChunkBits& bits) {
    const std::scoped_lock lock(mutex_);
    TRY_VOID(sink_(bits));
    // A later chunk may be done before this one: what has been handed out counts.
    progress_.update(std::min(page_size_.address(next_), bytes_), bytes_);
    return {};
  }

  const PageFilter& filter_;
  unsigned step_;
  uint64_t bytes_;  // of the address space
  PageSize page_size_;
  const ChunkSink& sink_;
  Progress& progress_;
  std::mutex mutex_;
  uint64_t next_ = 0;
  uint64_t chunks_ = 0;  // that have any RAM, so far
  bool stopped_ = false;
};

}  // namespace

Result<> scan_chunks(PageFilter& filter, const ScanOptions& options, const FilterMaker& make_filter,
                     uint64_t max_pfn, PageSize page_size, const ChunkSink& sink, Progress& progress) {
  const uint64_t chunks = divide_up(max_pfn, kChunkPages);
  std::vector<PageFilter> others;
  for (unsigned count = 1; count < std::min<uint64_t>(options.threads, chunks); ++count)
    others.push_back(TRY(make_filter()));
  ChunkScan scan(filter, options.step, page_size.address(max_pfn), page_size, sink, progress);
  auto done = run_by(static_cast<unsigned>(others.size()) + 1,
                     [&](unsigned index) { return scan.run(index == 0 ? filter : others[index - 1]); });
  for (const auto& other : others) filter.add_statistics(other);
  return done;
}

Result<> scan_into(PageFilter& filter, unsigned threads, const FilterMaker& make_filter, uint64_t max_pfn,
                   PageSize page_size, KdumpWriter& writer, Progress& progress) {
  const ChunkSink sink = [&writer](const ChunkBits& bits) -> Result<> {
    TRY_VOID(writer.write_ram_bits(bits.first_pfn, bits.ram));
    return writer.write_stored_bits(bits.first_pfn, bits.stored);
  };
  return scan_chunks(filter, {.threads = threads, .step = 1}, make_filter, max_pfn, page_size, sink,
                     progress);
}

}  // namespace lifeboat
