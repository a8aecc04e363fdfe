// SPDX-License-Identifier: GPL-2.0-or-later
// The second bitmap of a dump that is being written (which pages it has), in its file, and how bits of it are
// cleared after the scan: in bounded memory, and with few reads and writes although they come in any order.
#pragma once

#include <span>
#include <vector>

#include "capture/engine/pfn_ranges.h"
#include "src/base/bytes.h"
#include "src/dump/dump.h"

namespace lifeboat {

// A bitmap is built, written and changed for this many page frames (1 GiB of 4 KiB pages) at a time: 32 KiB,
// whatever the machine's size, and enough of them for several threads. No compound page or buddy block
// crosses such a border: the largest has 1 GiB of 4 KiB pages, 16 GiB of 64 KiB pages, and is aligned.
inline constexpr uint64_t kChunkPages = uint64_t{1} << 18;

class StoredBits {
 public:
  virtual ~StoredBits() = default;
  // The bits of 8 * bits.size() page frames from `first_pfn`, a multiple of kChunkPages, LSB first.
  virtual Result<> read(uint64_t first_pfn, MutableByteSpan bits) = 0;
  virtual Result<> write(uint64_t first_pfn, ByteSpan bits) = 0;
};

class StoredBitsEraser {
 public:
  // Page frames below `max_pfn`. Those of `keep`, in order, are never cleared. Both must outlive it.
  StoredBitsEraser(StoredBits& bits, uint64_t max_pfn, std::span<const PfnRange> keep)
      : bits_(&bits), max_pfn_(max_pfn), keep_(keep), pending_(kMaxPending) {}

  Result<> clear(PfnRange pages);
  // After the last clear(): how many bits were set and are not any more.
  Result<uint64_t> finish();

 private:
  static constexpr size_t kMaxPending = size_t{1} << 16;
  Result<> flush();
  void clear_in_chunk(uint64_t first, PfnRange pages);

  StoredBits* bits_;
  uint64_t max_pfn_;
  std::span<const PfnRange> keep_;
  PfnRanges pending_;
  size_t calls_ = 0;  // since the last flush
  std::vector<std::byte> chunk_;
  uint64_t cleared_ = 0;
};

}  // namespace lifeboat
