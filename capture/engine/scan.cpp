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
  ChunkScan(const PageFilter& filter, uint64_t max_pfn, PageSize page_size, KdumpWriter& writer,
            Progress& progress)
      : filter_(filter), max_pfn_(max_pfn), page_size_(page_size), writer_(writer), progress_(progress) {}

  // A thread's work.
  Result<> run(PageFilter& filter) {
    ChunkBits bits;
    while (const auto first = take()) {
      auto done = filter.scan(*first, bits);
      if (done) done = write(bits);
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
    if (stopped_) return std::nullopt;
    const auto first = filter_.next_chunk(next_);
    if (first) next_ = *first + kChunkPages;
    return first;
  }

  Result<> write(const ChunkBits& bits) {
    const std::scoped_lock lock(mutex_);
    TRY_VOID(writer_.write_ram_bits(bits.first_pfn, bits.ram));
    TRY_VOID(writer_.write_stored_bits(bits.first_pfn, bits.stored));
    // A later chunk may be done before this one: what has been handed out counts.
    const uint64_t bytes = page_size_.address(max_pfn_);
    progress_.update(std::min(page_size_.address(next_), bytes), bytes);
    return {};
  }

  const PageFilter& filter_;
  uint64_t max_pfn_;
  PageSize page_size_;
  KdumpWriter& writer_;
  Progress& progress_;
  std::mutex mutex_;
  uint64_t next_ = 0;
  bool stopped_ = false;
};

}  // namespace

Result<> scan_into(PageFilter& filter, unsigned threads, const FilterMaker& make_filter, uint64_t max_pfn,
                   PageSize page_size, KdumpWriter& writer, Progress& progress) {
  const uint64_t chunks = std::max<uint64_t>(divide_up(max_pfn, kChunkPages), 1);
  std::vector<PageFilter> others;
  for (unsigned count = 1; count < std::min<uint64_t>(threads, chunks); ++count)
    others.push_back(TRY(make_filter()));
  ChunkScan scan(filter, max_pfn, page_size, writer, progress);
  auto done = run_by(static_cast<unsigned>(others.size()) + 1, [&](unsigned index) {
    return scan.run(index == 0 ? filter : others[index - 1]);
  });
  for (const auto& other : others) filter.add_statistics(other);
  return done;
}

}  // namespace lifeboat
