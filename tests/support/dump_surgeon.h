// SPDX-License-Identifier: GPL-2.0-or-later
// Takes single pages out of a KDUMP file, or spoils them: what a harder filter, a full disk or a bad one
// would have left. Does not use the reader that it helps to test.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "src/dump/dump.h"
#include "src/dump/kdump_format.h"

namespace lifeboat::test {

class DumpSurgeon {
 public:
  // A plain KDUMP file, not flattened nor split, that is whole. Throws when it cannot be read.
  explicit DumpSurgeon(const std::string& path);

  [[nodiscard]] bool has(uint64_t pfn) const { return pages_.contains(pfn); }
  [[nodiscard]] std::vector<uint64_t> pages() const;
  [[nodiscard]] uint64_t size() const { return bytes_.size(); }
  // Where the bitmaps, the descriptors, and the page data begin.
  [[nodiscard]] uint64_t bitmaps() const { return bitmaps_; }
  [[nodiscard]] uint64_t descriptors() const { return descriptors_; }
  [[nodiscard]] uint64_t data() const { return data_; }
  // Behind the data of a page that the file has; 0 if it has none of its own.
  [[nodiscard]] uint64_t end_of(uint64_t pfn) const;

  // Pages that are not in the file are passed over.
  void leave_out(uint64_t pfn) { pages_.erase(pfn); }
  void lose(uint64_t pfn);
  void damage(uint64_t pfn);  // it cannot be decompressed any more
  void replace(uint64_t pfn, ByteSpan page);
  void overwrite(uint64_t offset, ByteSpan bytes);
  [[nodiscard]] kdump::Header& header() { return header_; }

  // Cut off behind `length` bytes.
  void write(const std::string& path, uint64_t length = UINT64_MAX) const;

 private:
  std::vector<std::byte> bytes_;
  kdump::Header header_{};
  uint64_t bitmaps_ = 0, second_bitmap_ = 0, descriptors_ = 0, data_ = 0;
  std::map<uint64_t, kdump::PageDescriptor> pages_;
};

}  // namespace lifeboat::test
