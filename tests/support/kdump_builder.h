// SPDX-License-Identifier: GPL-2.0-or-later
// A KDUMP version 6 file described page by page. It does not use the writer that it helps to test. Laid out
// whole and valid first; then the patches run over the headers and descriptors.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "src/dump/dump.h"
#include "src/dump/kdump_format.h"

namespace lifeboat::test {

class KdumpBuilder {
 public:
  // Where the parts of the file begin.
  struct Layout {
    uint64_t first_bitmap = 0, second_bitmap = 0, descriptors = 0, data = 0, end = 0;
  };

  // Room for page frames [0, max_pfn) of that size. The contents of each are given.
  explicit KdumpBuilder(uint64_t max_pfn, PageSize page_size = {})
      : max_pfn_(max_pfn), page_size_(page_size) {}

  // RAM that is not in the file, unless one of the calls below puts it there.
  KdumpBuilder& ram(uint64_t first_pfn, uint64_t count = 1);
  // A page, compressed when the codec makes it smaller.
  KdumpBuilder& page(uint64_t pfn, ByteSpan contents, Compression compression = Compression::none);
  // Data and flags as they are, valid or not.
  KdumpBuilder& stored_as(uint64_t pfn, ByteSpan data, uint32_t flags);
  KdumpBuilder& zero_page(uint64_t pfn);  // shares one copy with all the others
  KdumpBuilder& lost_page(uint64_t pfn);  // its descriptor is zero
  KdumpBuilder& raw_notes(ByteSpan notes);
  KdumpBuilder& vmcoreinfo(std::string_view text);  // as a note, and pointed at
  KdumpBuilder& cpu();
  KdumpBuilder& machine(std::string_view name);  // instead of x86_64

  KdumpBuilder& patch_header(std::function<void(kdump::Header&)> patch);
  KdumpBuilder& patch_sub_header(std::function<void(kdump::SubHeader&)> patch);
  KdumpBuilder& patch_descriptor(uint64_t pfn, std::function<void(kdump::PageDescriptor&)> patch);

  [[nodiscard]] Layout layout() const;
  [[nodiscard]] std::vector<std::byte> build() const;

 private:
  struct Page {
    std::vector<std::byte> data;
    uint32_t flags = 0;
    bool zero = false, lost = false;
  };
  [[nodiscard]] kdump::Header header() const;
  [[nodiscard]] kdump::SubHeader sub_header() const;
  // Descriptors in order of page frames, and the data behind them.
  void lay_pages(std::vector<kdump::PageDescriptor>& descriptors, std::vector<std::byte>& data) const;

  uint64_t max_pfn_;
  PageSize page_size_;
  std::set<uint64_t> ram_;
  std::map<uint64_t, Page> pages_;
  std::vector<std::byte> notes_;
  uint64_t vmcoreinfo_offset_ = 0, vmcoreinfo_size_ = 0;
  std::vector<std::function<void(kdump::Header&)>> header_patches_;
  std::vector<std::function<void(kdump::SubHeader&)>> sub_header_patches_;
  std::multimap<uint64_t, std::function<void(kdump::PageDescriptor&)>> descriptor_patches_;
};

uint32_t codec_flag(Compression compression);

}  // namespace lifeboat::test
