// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/block_cache.h"

#include <algorithm>

namespace lifeboat {

BlockCache::BlockCache(const ByteSource& file, uint64_t offset, uint64_t size, uint64_t block_size,
                       size_t blocks)
    : file_(&file), offset_(offset), size_(size), block_size_(block_size), blocks_(blocks) {
  const uint64_t rest = file.size() > offset ? file.size() - offset : 0;
  size_ = std::min(size_, rest);
}

Result<ByteSpan> BlockCache::block(uint64_t at) {
  if (at >= size_)
    return fail(ErrorCode::truncated,
                "{}: its part at offset {} ends after {} bytes, before byte {}: the file may be cut off",
                file_->name(), offset_, size_, at);
  const uint64_t index = at / block_size_;
  Block& block = blocks_[index % blocks_.size()];
  if (block.index != index) {
    const uint64_t start = index * block_size_;
    block.index = ~uint64_t{0};  // until it was read
    block.data.resize(std::min(block_size_, size_ - start));
    TRY_VOID(file_->read(offset_ + start, block.data));
    block.index = index;
  }
  return ByteSpan(block.data);
}

Result<ByteSpan> BlockCache::bytes(uint64_t at, MutableByteSpan scratch) {
  const uint64_t within = at % block_size_;
  if (within + scratch.size() <= block_size_) {
    if (const auto data = block(at); data && within + scratch.size() <= data->size())
      return data->subspan(within, scratch.size());
  }
  // Across blocks; or one damaged sector, which must not make the rest of the block unreadable.
  if (at > size_ || scratch.size() > size_ - at)
    return fail(ErrorCode::truncated,
                "{}: its part at offset {} ends after {} bytes, and {} bytes from byte {} are needed: the "
                "file may be cut off",
                file_->name(), offset_, size_, scratch.size(), at);
  TRY_VOID(file_->read(offset_ + at, scratch));
  return ByteSpan(scratch);
}

}  // namespace lifeboat
