// SPDX-License-Identifier: GPL-2.0-or-later
// The stages between the filter and the file: read, compress, write. A batch of pages passes through them and
// carries all it needs, so that several can be under way at once; today one is.
#pragma once

#include <memory>
#include <vector>

#include "src/dump/codec.h"
#include "src/dump/dump.h"
#include "src/dump/kdump_writer.h"

namespace lifeboat {

// Pages in PFN order. Its buffers are allocated once and used again.
struct PageBatch {
  // Long reads, and still small beside the reservation.
  static constexpr size_t kBytes = size_t{1} << 20;

  enum class Kind : uint8_t {
    data,  // `raw` (and after compression perhaps `packed`) holds it
    zero,  // nothing but zeros
    lost,  // could not be read
  };
  struct Page {
    uint64_t pfn = 0;
    Kind kind = Kind::data;
    uint32_t packed_offset = 0;
    uint32_t packed_size = 0;  // 0: store it raw
  };

  explicit PageBatch(PageSize size) : page_size(size), raw(kBytes), packed(kBytes) {
    pages.reserve(max_pages());
  }
  [[nodiscard]] size_t max_pages() const { return page_size.frame(kBytes); }
  [[nodiscard]] ByteSpan raw_page(size_t index) const {
    return ByteSpan(raw).subspan(page_size.bytes(index), page_size.bytes());
  }
  void clear() { pages.clear(); }
  [[nodiscard]] bool full() const { return pages.size() == max_pages(); }

  const PageSize page_size;
  std::vector<Page> pages;
  std::vector<std::byte> raw;     // one page after the other
  std::vector<std::byte> packed;  // compressed pages one after the other
};

// Read: fills in the contents of batch.pages, neighbours with one read. A page that cannot be read becomes
// `lost`. Returns how many were lost; the first reason goes to `first_error` if that is empty.
uint64_t read_batch(PhysicalMemory& source, PageBatch& batch, std::string& first_error);

// Compress: finds zero pages, packs the others.
Result<> compress_batch(PageBatch& batch, PageCompressor* compressor);

// Write: hands the pages to the file, in order. `flags` is the KDUMP status bit of the codec.
Result<> write_batch(const PageBatch& batch, uint32_t flags, KdumpWriter& writer);

}  // namespace lifeboat
