// SPDX-License-Identifier: GPL-2.0-or-later
// Writes a KDUMP version 6 file whose header shows at every instant whether the file is whole: it has the
// flag INCOMPLETE until finish() has synced everything else.
//
// Order of calls: create, set_ram, mark_stored for the pages to come (both in any order of chunks),
// begin_pages, add_page for each marked page in PFN order, finish. The bitmaps are in the file, not in
// memory: chunks are written as the scan produces them and read back while pages are added, so that the
// memory needed does not grow with the machine.
#pragma once

#include <functional>
#include <vector>

#include "src/dump/codec.h"
#include "src/dump/dump.h"
#include "src/dump/dump_outcome.h"
#include "src/dump/kdump_format.h"

namespace lifeboat {

// The KDUMP status and descriptor bit of a codec; 0 for none.
uint32_t kdump_codec_flag(Compression compression);

struct KdumpWriterOptions {
  Compression compression = Compression::zstd;  // the default noted in the header
  int dump_level = 0;
  PageSize page_size;  // of the source
  uint64_t max_pfn = 0;
  uint64_t phys_base = 0;
  uint64_t timestamp_seconds = 0;
  int cpus = 1;
  Utsname uts;
  ByteSpan notes;                  // PT_NOTE data, VMCOREINFO among them
  uint64_t vmcoreinfo_offset = 0;  // of the text within `notes`
  uint64_t vmcoreinfo_size = 0;
  bool source_incomplete = false;  // what is copied is not whole itself: the mark is never cleared
  bool mem_map_left_out = false;   // in part: noted in the header (EXCLUDED_VMEMMAP)
  // Called when there is no space for a write. True: space was freed, so the same write is tried again. Only
  // the error of a write counts: a file system that reports no space during a sync has already lost data.
  std::function<bool()> make_space = {};
};

class KdumpWriter {
 public:
  // Writes the headers (INCOMPLETE set) into `fd`, an empty seekable file that the caller keeps open.
  static Result<KdumpWriter> create(int fd, std::string name, const KdumpWriterOptions& options);

  // Notes another default codec in the header: for a choice that is made after create(), before the first
  // page.
  Result<> set_compression(Compression compression);

  // Bits of the two bitmaps, LSB first, for 8 * bits.size() pages from first_pfn, a multiple of 8.
  Result<> write_ram_bits(uint64_t first_pfn, ByteSpan bits);
  Result<> write_stored_bits(uint64_t first_pfn, ByteSpan bits);
  // Reads back a chunk of the second bitmap.
  Result<> read_stored_bits(uint64_t first_pfn, MutableByteSpan bits) const;

  // `stored` is the number of bits set in the second bitmap: fixes where the page data begin.
  Result<> begin_pages(uint64_t stored);
  // Next page: already compressed with `flags` (a Status codec bit), or raw (flags 0, one page).
  Result<> add_page(ByteSpan data, uint32_t flags);
  // Next page is all zero: shares one stored copy.
  Result<> add_zero_page();
  // Page data that lie one after the other. The first of them is at bytes_written() before the call.
  Result<> append_data(ByteSpan data);
  // The next page is what lies there: append_data() put it there, for this page or another one.
  Result<> add_descriptor(const kdump::PageDescriptor& descriptor);
  // The descriptor of a zero page.
  [[nodiscard]] kdump::PageDescriptor zero_page() const;
  // Writes the descriptor of a later page, the `rank`th of all, at once, so that its data can be found
  // already. The page must still be added in its turn.
  Result<> put_descriptor(uint64_t rank, const kdump::PageDescriptor& descriptor);
  // Next page could not be read: counted, its descriptor stays zero (readers: lost).
  Result<> add_lost_page();

  // Writes what is buffered, and leaves the file marked INCOMPLETE: for a target that became full.
  // Best effort: the error that led here is more important than one from here.
  void abandon();
  // Flush, fsync; then, if the dump is whole (dump_outcome.h), clear INCOMPLETE and fsync again. `whole` or
  // `incomplete`; an error is the third outcome, `failed`, and leaves the mark: `corrupt` when fewer pages
  // were added than announced, `lost` when too few could be read, else the file system's error.
  Result<DumpOutcome> finish();

  [[nodiscard]] uint64_t bytes_written() const { return data_offset_; }
  [[nodiscard]] uint64_t lost_pages() const { return counts_.lost; }

 private:
  KdumpWriter(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
  // Everything that may need disk space goes through these.
  Result<> write(uint64_t offset, ByteSpan bytes);
  Result<> resize(uint64_t size);
  Result<> with_space(const std::function<Result<>()>& attempt) const;
  Result<> flush_data();
  Result<> flush_descriptors();
  Result<> clear_mark();

  int fd_;
  std::string name_;
  std::function<bool()> make_space_;
  kdump::Header header_{};
  PageSize page_size_;
  uint64_t bitmap_offset_ = 0;  // of the first bitmap
  uint64_t bitmap_bytes_ = 0;   // of each
  uint64_t max_pfn_ = 0;
  uint64_t first_descriptor_ = 0;    // where the first descriptor is
  uint64_t descriptors_offset_ = 0;  // where the buffered descriptors go
  uint64_t data_offset_ = 0;         // where the next page's data goes
  uint64_t zero_page_offset_ = 0;
  DumpCounts counts_;
  bool source_incomplete_ = false;
  std::vector<kdump::PageDescriptor> descriptors_;  // buffered
  std::vector<std::byte> data_;                     // buffered
};

}  // namespace lifeboat
