// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/mem_map_pages.h"

#include <algorithm>
#include <optional>

#include "capture/engine/bitmap.h"
#include "capture/engine/ram_bits.h"

namespace lifeboat {
namespace {

class Walk {
 public:
  Walk(const MemMapSource& source, StoredBits& stored, std::span<const PfnRange> keep)
      : source_(source),
        page_(source.kernel.page_size()),
        stored_(stored),
        eraser_(stored, source.max_pfn, keep) {}

  Result<uint64_t> run() {
    const auto next = [this](uint64_t pfn) {
      return next_chunk_with_ram(source_.ram, page_, pfn, source_.max_pfn);
    };
    for (auto first = next(0); first; first = next(*first + kChunkPages)) {
      first_ = *first;
      end_ = std::min(first_ + kChunkPages, source_.max_pfn);
      ram_.assign(divide_up(end_ - first_, 8), std::byte{0});
      fill_ram_bits(source_.ram, page_, first_, end_, ram_);
      kept_.resize(ram_.size());
      TRY_VOID(stored_.read(first_, kept_));
      TRY_VOID(walk_chunk());
    }
    return eraser_.finish();
  }

 private:
  Result<> walk_chunk() {
    const uint64_t section_pages = source_.mem_map.pages_per_section();
    for (uint64_t pfn = first_; pfn < end_;) {
      const uint64_t section_end = std::min((pfn / section_pages + 1) * section_pages, end_);
      // A section that is not there describes nothing; one that cannot be found is kept.
      const auto map = source_.mem_map.section_map(pfn);
      if (map && *map) TRY_VOID(walk_section(**map + pfn % section_pages * struct_size(), pfn, section_end));
      pfn = section_end;
    }
    return {};
  }

  // The struct page of `pfn` is at `map`. Pages of mem_map that also describe other page frames, before `pfn`
  // or from `end` on, are not looked at.
  Result<> walk_section(uint64_t map, uint64_t pfn, uint64_t end) {
    const uint64_t bytes = (end - pfn) * struct_size();
    const uint64_t last = align_down(map + bytes, page_.bytes());
    for (uint64_t at = align_up(map, page_.bytes()); at < last; at += page_.bytes()) {
      const uint64_t first_described = pfn + (at - map) / struct_size();
      const uint64_t end_described = pfn + divide_up(at + page_.bytes() - map, struct_size());
      if (!all_left_out(first_described, end_described)) continue;
      if (const auto frame = own_frame(at)) TRY_VOID(eraser_.clear({*frame, *frame + 1}));
    }
    return {};
  }

  [[nodiscard]] bool all_left_out(uint64_t pfn, uint64_t end) const {
    for (uint64_t bit = pfn - first_; bit < end - first_; ++bit)
      if (!test_bit(ram_, bit) || test_bit(kept_, bit)) return false;
    return true;
  }

  // The page frame of a page of mem_map, unless its neighbours have the same one.
  std::optional<uint64_t> own_frame(uint64_t address) {
    const auto here = source_.kernel.translate_run(address);
    if (!here || page_.within(here->physical_address) != 0) return std::nullopt;
    const uint64_t frame = page_.frame(here->physical_address);
    // Within a large page nothing is shared.
    if (here->bytes_left > page_.bytes()) return frame;
    for (const uint64_t neighbour : {address - page_.bytes(), address + page_.bytes()}) {
      const auto other = source_.kernel.translate(neighbour);
      if (other && page_.frame(*other) == frame) return std::nullopt;
    }
    return frame;
  }

  [[nodiscard]] uint64_t struct_size() const { return source_.mem_map.page_struct_size(); }

  const MemMapSource& source_;
  const PageSize page_;
  StoredBits& stored_;
  StoredBitsEraser eraser_;
  uint64_t first_ = 0, end_ = 0;       // of the chunk
  std::vector<std::byte> ram_, kept_;  // its bits
};

}  // namespace

Result<uint64_t> leave_out_mem_map(const MemMapSource& source, StoredBits& stored,
                                   std::span<const PfnRange> keep) {
  return Walk(source, stored, keep).run();
}

}  // namespace lifeboat
