// SPDX-License-Identifier: GPL-2.0-or-later
// The unit of work between the filter and the file: some pages, in order of page frames. A batch carries all
// that its stages need, so that several can be under way at once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "capture/engine/leading_pages.h"
#include "capture/engine/page_hash.h"
#include "capture/engine/shared_pages.h"
#include "src/dump/codec.h"
#include "src/dump/dump.h"
#include "src/dump/kdump_writer.h"

namespace lifeboat {

// Its buffers are allocated once and used again.
struct PageBatch {
  // Long reads, and still small beside the reservation.
  static constexpr size_t kBytes = size_t{512} << 10;
  // What a batch takes of the memory, with its tables.
  static constexpr size_t kMemory = 2 * kBytes + (size_t{16} << 10);

  enum class Kind : uint8_t {
    data,    // `raw` or `packed` holds what is to be written
    zero,    // nothing but zeros
    lost,    // could not be read
    copied,  // the same contents are in the file, where `descriptor` leads
    led,     // a leading page, whose data was written before
  };
  static constexpr uint32_t kNotLeading = UINT32_MAX;
  struct Page {
    uint64_t pfn = 0;
    uint64_t hash = 0;
    Kind kind = Kind::data;
    bool packed = false;  // compressed; else it is written as it is
    // Its number among the leading pages.
    uint32_t leading = kNotLeading;
    uint32_t packed_offset = 0;
    uint32_t packed_size = 0;
    kdump::PageDescriptor descriptor{};
  };

  explicit PageBatch(PageSize size) : page_size(size), raw(kBytes), packed(kBytes) {
    pages.reserve(max_pages());
  }
  [[nodiscard]] size_t max_pages() const { return page_size.frame(kBytes); }
  [[nodiscard]] ByteSpan raw_page(size_t index) const {
    return ByteSpan(raw).subspan(page_size.bytes(index), page_size.bytes());
  }
  // What is written of a page whose kind is `data`.
  [[nodiscard]] ByteSpan contents(size_t index) const {
    const Page& page = pages[index];
    return page.packed ? ByteSpan(packed).subspan(page.packed_offset, page.packed_size) : raw_page(index);
  }
  void clear() { pages.clear(); }
  [[nodiscard]] bool full() const { return pages.size() == max_pages(); }

  const PageSize page_size;
  std::vector<Page> pages;
  std::vector<std::byte> raw;     // one page after the other
  std::vector<std::byte> packed;  // compressed pages one after the other
};

// Nanoseconds that stages took, of all threads together.
struct StageTimes {
  uint64_t read = 0, compare = 0, compress = 0, write = 0;
  StageTimes& operator+=(const StageTimes& other);
};

struct BatchStatistics {
  uint64_t zero_pages = 0, lost_pages = 0, shared_pages = 0;
  std::string first_error;  // of the pages that could not be read
  StageTimes times;
  BatchStatistics& operator+=(const BatchStatistics& other);
};

// All stages but the last: reads the pages, finds those that are zero or in the file already, and compresses
// the others. One object for each thread.
class BatchPreparer {
 public:
  // `source` may be read by several threads at once, if there are several. `compressor` may be null.
  BatchPreparer(PhysicalMemory& source, std::unique_ptr<PageCompressor> compressor, SharedPages& shared,
                PageSize page_size);

  // Fills in all of batch.pages but their numbers. A page that cannot be read becomes `lost`.
  Result<> prepare(PageBatch& batch);

  [[nodiscard]] const BatchStatistics& statistics() const { return statistics_; }

 private:
  void read(PageBatch& batch);
  void find_zeros(PageBatch& batch);
  void find_copies(PageBatch& batch);
  Result<> compress(PageBatch& batch);

  PhysicalMemory& source_;
  std::unique_ptr<PageCompressor> compressor_;
  SharedPages& shared_;
  PageHash hash_;
  std::vector<std::byte> other_;        // a page to compare with
  std::vector<StoredCopy> candidates_;  // that pages of a batch may be the same as; hash 0, size 0: none
  BatchStatistics statistics_;
};

// The last stage, for one thread: batches come in order.
class BatchWriter {
 public:
  // `flags` is the KDUMP status bit of the codec. `leading`: what pages of batches say of it.
  BatchWriter(PhysicalMemory& source, KdumpWriter& writer, SharedPages& shared, LeadingPages& leading,
              uint32_t flags, PageSize page_size);

  Result<> write(PageBatch& batch);

  [[nodiscard]] const BatchStatistics& statistics() const { return statistics_; }

 private:
  void place(PageBatch& batch);
  Result<> write_data(const PageBatch& batch);
  Result<> write_descriptor(const PageBatch::Page& page);

  PhysicalMemory& source_;
  KdumpWriter& writer_;
  SharedPages& shared_;
  LeadingPages& leading_;
  uint32_t flags_;
  std::vector<std::byte> other_;
  BatchStatistics statistics_;
};

}  // namespace lifeboat
