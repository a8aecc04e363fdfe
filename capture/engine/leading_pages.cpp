// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/leading_pages.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <optional>

#include "capture/engine/bitmap.h"

namespace lifeboat {
namespace {

// Counts the bits of the second bitmap in front of page frames that are asked for in order.
class RankFinder {
 public:
  RankFinder(const PageFilter& filter, const KdumpWriter& writer, uint64_t max_pfn)
      : filter_(filter), writer_(writer), max_pfn_(max_pfn) {}

  // nullopt: the page is not stored.
  Result<std::optional<uint64_t>> rank(uint64_t pfn) {
    while (pfn >= first_ + count_) {
      before_ += count_bits(bits_, 0, count_);
      const auto next = filter_.next_chunk(align_up(first_ + count_, kChunkPages));
      if (!next) return std::nullopt;
      TRY_VOID(read_chunk(*next));
    }
    // In front of the chunk: in a hole between two.
    if (pfn < first_ || !test_bit(bits_, pfn - first_)) return std::nullopt;
    return before_ + count_bits(bits_, 0, pfn - first_);
  }

 private:
  Result<> read_chunk(uint64_t first) {
    first_ = first;
    count_ = std::min(kChunkPages, max_pfn_ - first);
    bits_.resize(divide_up(count_, 8));
    return writer_.read_stored_bits(first, bits_);
  }

  const PageFilter& filter_;
  const KdumpWriter& writer_;
  uint64_t max_pfn_;
  std::vector<std::byte> bits_;  // of the chunk
  uint64_t first_ = 0, count_ = 0;
  uint64_t before_ = 0;  // bits that are set in the chunks before it
};

// nullopt: none of the first ones; as many as a reader looks at.
Result<std::optional<uint64_t>> first_readable(PhysicalMemory& memory, PageSize page_size,
                                               const PageFilter& filter, const KdumpWriter& writer,
                                               uint64_t max_pfn) {
  constexpr uint64_t kMostLooks = 65536;
  uint64_t looks = 0;
  std::vector<std::byte> bits, page(page_size.bytes());
  for (auto chunk = filter.next_chunk(0); chunk; chunk = filter.next_chunk(*chunk + kChunkPages)) {
    const uint64_t count = std::min(kChunkPages, max_pfn - *chunk);
    bits.resize(divide_up(count, 8));
    TRY_VOID(writer.read_stored_bits(*chunk, bits));
    for (uint64_t bit = 0; bit < count; ++bit) {
      if (!test_bit(bits, bit)) continue;
      if (memory.read(page_size.address(*chunk + bit), page)) return *chunk + bit;
      if (++looks == kMostLooks) return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<LeadingPages> LeadingPages::find(const std::vector<uint64_t>& wanted, PhysicalMemory& memory,
                                        PageSize page_size, const PageFilter& filter,
                                        const KdumpWriter& writer, uint64_t max_pfn) {
  const auto first = TRY(first_readable(memory, page_size, filter, writer, max_pfn));
  if (!first) return LeadingPages();
  std::vector<uint64_t> pfns = {*first};
  std::ranges::copy_if(wanted, std::back_inserter(pfns), [&](uint64_t pfn) { return pfn != *first; });
  std::vector<uint32_t> order(pfns.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](uint32_t index) { return pfns[index]; });
  std::vector<std::optional<uint64_t>> ranks(pfns.size());
  RankFinder finder(filter, writer, max_pfn);
  for (const uint32_t index : order) {
    if (pfns[index] < max_pfn) ranks[index] = TRY(finder.rank(pfns[index]));
  }
  LeadingPages leading;
  for (size_t index = 0; index < pfns.size(); ++index) {
    if (ranks[index])
      leading.pages_.push_back({.pfn = pfns[index], .rank = *ranks[index], .descriptor = {}, .lost = false});
  }
  leading.sorted_.resize(leading.pages_.size());
  std::iota(leading.sorted_.begin(), leading.sorted_.end(), 0);
  std::ranges::sort(leading.sorted_, {}, [&](uint32_t index) { return leading.pages_[index].pfn; });
  return leading;
}

void LeadingPages::set(size_t index, const kdump::PageDescriptor& descriptor, bool lost) {
  pages_[index].descriptor = descriptor;
  pages_[index].lost = lost;
}

}  // namespace lifeboat
