// SPDX-License-Identifier: GPL-2.0-or-later
// The two bitmaps of a KDUMP file: which page frames were RAM, and which of them the file holds. Those of a
// machine of 16 TiB have 512 MiB each, those of a sparse address space nearly all of it in holes: they are
// read once, holes passed over, and only where bits are set is remembered.
#pragma once

#include <optional>
#include <vector>

#include "src/base/size.h"
#include "src/dump/block_cache.h"
#include "src/dump/dump.h"

namespace lifeboat {

// Not for several threads at once.
class KdumpBitmaps {
 public:
  struct Place {
    uint64_t first = 0, second = 0;  // where the bitmaps begin in the file
    uint64_t bytes = 0;              // of each, padding included
    uint64_t max_pfn = 0;            // at most as many bits as that; what lies behind does not count
    PageSize page_size;              // of these page frames
  };
  // A part of the second bitmap in which bits are set.
  struct Block {
    uint64_t index = 0;   // it begins at page frame index * kBlockPages
    uint64_t before = 0;  // stored pages before it
  };
  static constexpr uint64_t kBlockBytes = 4_KiB, kBlockPages = kBlockBytes * 8;

  // Reads both, which must lie within the file. `file` must outlive this object. `corrupt`: memory in too
  // many pieces.
  static Result<KdumpBitmaps> scan(const ByteSource& file, const Place& place);

  [[nodiscard]] const std::vector<PhysicalRange>& ram() const { return ram_; }
  [[nodiscard]] uint64_t ram_pages() const { return ram_pages_; }
  [[nodiscard]] uint64_t stored_pages() const { return stored_pages_; }
  // What contradicts itself, one line each.
  [[nodiscard]] std::vector<std::string> damage() const;

  // Errors of these: the bitmap cannot be read.
  Result<PageState> state(uint64_t pfn);
  // Stored pages before `pfn`, which is at most max_pfn.
  Result<uint64_t> rank(uint64_t pfn);
  // As Dump::next_stored().
  Result<std::optional<PfnRange>> next_stored(uint64_t pfn, uint64_t end);

  [[nodiscard]] const std::vector<Block>& blocks() const { return blocks_; }
  // How many stored pages one of blocks() has.
  [[nodiscard]] uint64_t pages_of(const Block& block) const;

 private:
  KdumpBitmaps(const ByteSource& file, const Place& place);
  Result<> scan_chunk(uint64_t at);
  Result<> add_ram(uint64_t at, ByteSpan bits);
  void end_ram_run(uint64_t pfn);
  void add_stored(uint64_t at, ByteSpan bits);
  void compare(uint64_t at, ByteSpan ram_bits, ByteSpan stored_bits);
  Result<bool> test(BlockCache& bitmap, uint64_t bit);
  [[nodiscard]] std::vector<Block>::const_iterator block_at(uint64_t index) const;

  const ByteSource* file_;
  Place place_;
  BlockCache ram_bits_, stored_bits_;
  std::vector<PhysicalRange> ram_;
  std::optional<uint64_t> run_start_;  // while the first is scanned: where the RAM began that goes on
  uint64_t ram_pages_ = 0, stored_pages_ = 0;
  uint64_t stored_without_ram_ = 0, first_without_ram_ = 0, stored_beyond_ = 0;
  std::vector<Block> blocks_;  // sorted
  // The stored pages before a byte of the second bitmap: neighbours are counted on from there.
  struct {
    uint64_t byte = 0, count = 0;
  } counted_;
};

}  // namespace lifeboat
