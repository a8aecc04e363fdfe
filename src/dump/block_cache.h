// SPDX-License-Identifier: GPL-2.0-or-later
// A part of a file, read in blocks: many small reads near each other cost one system call.
#pragma once

#include <vector>

#include "src/dump/byte_source.h"

namespace lifeboat {

// Not for several threads at once. Holds `blocks` * `block_size` bytes, taken as they are needed.
class BlockCache {
 public:
  // The part is [offset, offset + size); the file may end within it. `file` must outlive this object.
  BlockCache(const ByteSource& file, uint64_t offset, uint64_t size, uint64_t block_size, size_t blocks);

  // So many bytes at `at`, counted from the part's beginning: in the cache, or, where they lie across blocks
  // or the block cannot be read as a whole, in `scratch`, which is of the size that is asked for. Valid until
  // the next call. `truncated` beyond the part or the file.
  Result<ByteSpan> bytes(uint64_t at, MutableByteSpan scratch);
  // The block that holds `at`, to the end of the block, the part or the file. Same errors.
  Result<ByteSpan> block(uint64_t at);

 private:
  struct Block {
    uint64_t index = ~uint64_t{0};
    std::vector<std::byte> data;
  };

  const ByteSource* file_;
  uint64_t offset_, size_, block_size_;
  std::vector<Block> blocks_;  // block N of the part is kept in one place only: N modulo their number
};

}  // namespace lifeboat
