// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/dump/kdump_bitmaps.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "src/dump/limits.h"

namespace lifeboat {
namespace {

constexpr uint64_t kChunkBytes = 64_KiB;
constexpr size_t kCachedBlocks = 64;

// Calls `use` with each word of `bits` that is not zero (the last one filled up with zeros), and the number
// of its first bit.
void for_each_word(ByteSpan bits, const auto& use) {
  for (size_t at = 0; at < bits.size(); at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bits.data() + at, std::min(sizeof word, bits.size() - at));
    if (word != 0) use(at * 8, word);
  }
}

uint64_t count_bits(ByteSpan bits) {
  uint64_t count = 0;
  for_each_word(bits,
                [&count](uint64_t, uint64_t word) { count += static_cast<uint64_t>(std::popcount(word)); });
  return count;
}

// Clears the bits from `end` on in a chunk that begins at bit `first`.
void clip_bits(MutableByteSpan chunk, uint64_t first, uint64_t end) {
  if (end >= first + chunk.size() * 8) return;
  const uint64_t keep = end > first ? end - first : 0;
  std::ranges::fill(chunk.subspan(divide_up(keep, 8)), std::byte{0});
  if (keep % 8 != 0) chunk[keep / 8] &= static_cast<std::byte>((1u << keep % 8) - 1);
}

// The first bit at or behind `bit` that is `wanted`; the number of bits: there is none.
uint64_t find_bit(ByteSpan bits, uint64_t bit, bool wanted) {
  const uint64_t size = bits.size() * 8;
  while (bit < size) {
    const uint64_t at = bit / 64 * 8;
    uint64_t word = 0;
    std::memcpy(&word, bits.data() + at, std::min<uint64_t>(sizeof word, bits.size() - at));
    if (!wanted) word = ~word;
    word &= ~uint64_t{0} << bit % 64;
    if (word != 0) return std::min(at * 8 + static_cast<uint64_t>(std::countr_zero(word)), size);
    bit = (bit / 64 + 1) * 64;
  }
  return size;
}

}  // namespace

KdumpBitmaps::KdumpBitmaps(const ByteSource& file, const Place& place)
    : file_(&file),
      place_(place),
      ram_bits_(file, place.first, divide_up(place.max_pfn, 8), kBlockBytes, kCachedBlocks),
      stored_bits_(file, place.second, divide_up(place.max_pfn, 8), kBlockBytes, kCachedBlocks) {}

Result<KdumpBitmaps> KdumpBitmaps::scan(const ByteSource& file, const Place& place) {
  KdumpBitmaps bitmaps(file, place);
  // Of each bitmap: from where on it may have bits, as far as is known.
  uint64_t first_data = 0, second_data = 0;
  for (uint64_t at = 0; at < place.bytes; at += kChunkBytes) {
    if (first_data < at) first_data = file.next_data(place.first + at).start - place.first;
    if (second_data < at) second_data = file.next_data(place.second + at).start - place.second;
    const uint64_t data = align_down(std::min(first_data, second_data), kChunkBytes);
    if (data > at) {
      bitmaps.end_ram_run(at * 8);
      at = data;
      if (at >= place.bytes) break;
    }
    TRY_VOID(bitmaps.scan_chunk(at));
  }
  bitmaps.end_ram_run(place.max_pfn);
  return bitmaps;
}

Result<> KdumpBitmaps::scan_chunk(uint64_t at) {
  std::array<std::byte, kChunkBytes> ram_buffer, stored_buffer;
  const uint64_t size = std::min(kChunkBytes, place_.bytes - at);
  const MutableByteSpan ram_bits = MutableByteSpan(ram_buffer).first(size);
  const MutableByteSpan stored_bits = MutableByteSpan(stored_buffer).first(size);
  TRY_CONTEXT(file_->read(place_.first + at, ram_bits), "the first bitmap");
  TRY_CONTEXT(file_->read(place_.second + at, stored_bits), "the second bitmap");
  if ((at + size) * 8 > place_.max_pfn) {
    const uint64_t claimed = count_bits(stored_bits);
    clip_bits(ram_bits, at * 8, place_.max_pfn);
    clip_bits(stored_bits, at * 8, place_.max_pfn);
    stored_beyond_ += claimed - count_bits(stored_bits);
  }
  TRY_VOID(add_ram(at, ram_bits));
  add_stored(at, stored_bits);
  compare(at, ram_bits, stored_bits);
  return {};
}

void KdumpBitmaps::end_ram_run(uint64_t pfn) {
  const PageSize page = place_.page_size;
  if (run_start_) ram_.push_back({page.address(*run_start_), page.address(pfn)});
  run_start_.reset();
}

Result<> KdumpBitmaps::add_ram(uint64_t at, ByteSpan bits) {
  ram_pages_ += count_bits(bits);
  const uint64_t end = bits.size() * 8;
  for (uint64_t bit = 0; bit < end;) {
    const uint64_t change = find_bit(bits, bit, !run_start_);
    if (change == end) break;
    if (run_start_) {
      end_ram_run(at * 8 + change);
    } else {
      run_start_ = at * 8 + change;
    }
    bit = change + 1;
    if (ram_.size() > kMaxRanges)
      return fail(ErrorCode::corrupt, "{}: memory in more than {} pieces", file_->name(), kMaxRanges);
  }
  return {};
}

void KdumpBitmaps::add_stored(uint64_t at, ByteSpan bits) {
  for (uint64_t within = 0; within < bits.size(); within += kBlockBytes) {
    const uint64_t count = count_bits(bits.subspan(within, std::min(kBlockBytes, bits.size() - within)));
    if (count > 0) blocks_.push_back({(at + within) / kBlockBytes, stored_pages_});
    stored_pages_ += count;
  }
}

void KdumpBitmaps::compare(uint64_t at, ByteSpan ram_bits, ByteSpan stored_bits) {
  for_each_word(stored_bits, [&](uint64_t bit, uint64_t stored) {
    uint64_t ram = 0;
    std::memcpy(&ram, ram_bits.data() + bit / 8, std::min<uint64_t>(sizeof ram, ram_bits.size() - bit / 8));
    const uint64_t wrong = stored & ~ram;
    if (wrong == 0) return;
    if (stored_without_ram_ == 0)
      first_without_ram_ = at * 8 + bit + static_cast<uint64_t>(std::countr_zero(wrong));
    stored_without_ram_ += static_cast<uint64_t>(std::popcount(wrong));
  });
}

std::vector<std::string> KdumpBitmaps::damage() const {
  std::vector<std::string> damage;
  if (stored_pages_ == 0) damage.emplace_back("the second bitmap is empty: the file holds no page");
  if (stored_without_ram_ > 0) {
    damage.push_back(
        fmt::format("the second bitmap has {} pages that the first does not mark as RAM, from page {:#x} on",
                    stored_without_ram_, first_without_ram_));
  }
  if (stored_beyond_ > 0) {
    damage.push_back(fmt::format("the second bitmap has {} pages behind the last page {:#x}", stored_beyond_,
                                 place_.max_pfn - 1));
  }
  return damage;
}

Result<bool> KdumpBitmaps::test(BlockCache& bitmap, uint64_t bit) {
  std::byte byte{};
  const ByteSpan found =
      TRY_CONTEXT(bitmap.bytes(bit / 8, std::span(&byte, 1)), "the bitmap's bit of page {:#x}", bit);
  return (static_cast<unsigned>(found.front()) >> (bit % 8) & 1u) != 0;
}

Result<PageState> KdumpBitmaps::state(uint64_t pfn) {
  if (pfn >= place_.max_pfn) return PageState::absent;
  if (TRY(test(stored_bits_, pfn))) return PageState::stored;
  return TRY(test(ram_bits_, pfn)) ? PageState::excluded : PageState::absent;
}

std::vector<KdumpBitmaps::Block>::const_iterator KdumpBitmaps::block_at(uint64_t index) const {
  return std::ranges::lower_bound(blocks_, index, {}, &Block::index);
}

uint64_t KdumpBitmaps::pages_of(const Block& block) const {
  const auto next = block_at(block.index + 1);
  return (next == blocks_.end() ? stored_pages_ : next->before) - block.before;
}

Result<uint64_t> KdumpBitmaps::rank(uint64_t pfn) {
  if (pfn >= place_.max_pfn) return stored_pages_;
  const uint64_t byte = pfn / 8, index = byte / kBlockBytes, start = index * kBlockBytes;
  const auto found = block_at(index);
  if (found == blocks_.end()) return stored_pages_;
  if (found->index != index) return found->before;
  const ByteSpan block = TRY_CONTEXT(stored_bits_.block(byte), "the bitmap of page {:#x}", pfn);
  if (counted_.byte < start || counted_.byte > byte) counted_ = {start, found->before};
  counted_.count += count_bits(block.subspan(counted_.byte - start, byte - counted_.byte));
  counted_.byte = byte;
  const auto partial =
      static_cast<uint8_t>(static_cast<unsigned>(block[byte - start]) & ((1u << pfn % 8) - 1));
  return counted_.count + static_cast<uint64_t>(std::popcount(partial));
}

Result<std::optional<PfnRange>> KdumpBitmaps::next_stored(uint64_t pfn, uint64_t end) {
  end = std::min(end, place_.max_pfn);
  for (auto block = block_at(pfn / kBlockPages); block != blocks_.end(); ++block) {
    const uint64_t start = block->index * kBlockPages;
    if (start >= end) break;
    const ByteSpan bits = TRY_CONTEXT(stored_bits_.block(start / 8), "the bitmap of page {:#x}", start);
    const uint64_t pages = std::min(bits.size() * 8, end - start);
    // At most the first block has its pages before `pfn`.
    const uint64_t first = find_bit(bits, std::max(pfn, start) - start, true);
    if (first < pages) return PfnRange{start + first, start + std::min(find_bit(bits, first, false), pages)};
  }
  return std::nullopt;
}

}  // namespace lifeboat
