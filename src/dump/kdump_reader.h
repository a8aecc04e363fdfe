// SPDX-License-Identifier: GPL-2.0-or-later
// Reads KDUMP files: ours, makedumpfile's, QEMU's; plain, flattened, one part of a split dump.
#pragma once

#include "src/dump/byte_source.h"
#include "src/dump/codec.h"
#include "src/dump/dump.h"
#include "src/dump/kdump_format.h"

namespace lifeboat {

class KdumpReader final : public Dump {
 public:
  // Every size, count and offset of the headers is checked against the file, and both bitmaps are read: what
  // does not fit together is in info().damage. Page descriptors are checked when they are used (read) or all
  // of them (verify).
  static Result<std::unique_ptr<KdumpReader>> open(std::unique_ptr<ByteSource> file);
  ~KdumpReader() override;

  [[nodiscard]] const DumpInfo& info() const override;
  [[nodiscard]] Result<PageState> page_state(uint64_t pfn) const override;
  [[nodiscard]] Result<std::optional<PfnRange>> next_stored(uint64_t pfn, uint64_t end) const override;
  [[nodiscard]] const std::vector<PhysicalRange>& ram() const override;
  // A page whose descriptor has offset 0 is `lost`; recently read pages are cached, decompressed.
  Result<> read(uint64_t physical_address, MutableByteSpan out) override;
  // Every descriptor of this file, and that its page can be decompressed.
  void verify(VerifyReport& report, Progress& progress) override;

  // The descriptor of a stored page, checked against the file's size, block size and known codecs.
  [[nodiscard]] Result<kdump::PageDescriptor> descriptor(uint64_t pfn) const;
  // Where the page data begin: right behind the descriptors.
  [[nodiscard]] uint64_t data_offset() const;
  // Decompresses what a descriptor points at into one page.
  Result<> decompress(const kdump::PageDescriptor& descriptor, MutableByteSpan page);

 private:
  struct State;
  explicit KdumpReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lifeboat
