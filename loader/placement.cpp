// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/placement.h"

#include <algorithm>
#include <optional>
#include <ranges>

#include "src/base/bytes.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

// The address at which `wanted`, `size` bytes large, fits into `hole`.
std::optional<uint64_t> fit(const MemoryRequest& wanted, uint64_t size, MemoryRange hole) {
  hole.begin = std::max(hole.begin, wanted.min);
  hole.end = std::min(hole.end, wanted.max);
  if (hole.begin >= hole.end || hole.size() < size) return std::nullopt;
  if (wanted.order == MemoryRequest::Order::highest) {
    const uint64_t address = align_down(hole.end - size, wanted.alignment);
    return address >= hole.begin ? std::optional(address) : std::nullopt;
  }
  if (hole.begin > UINT64_MAX - wanted.alignment) return std::nullopt;
  const uint64_t address = align_up(hole.begin, wanted.alignment);
  return address <= hole.end && hole.end - address >= size ? std::optional(address) : std::nullopt;
}

}  // namespace

Placement::Placement(const std::vector<MemoryRange>& free, MemoryRange window, uint64_t page_size)
    : page_size_(page_size), free_(whole_pages(intersect(free, window), page_size)) {}

Result<uint64_t> Placement::take(const MemoryRequest& wanted) {
  if (wanted.size > UINT64_MAX - page_size_) return fail(ErrorCode::no_space, "{} is too large", wanted.what);
  const uint64_t size = align_up(std::max<uint64_t>(wanted.size, 1), page_size_);
  MemoryRequest whole_pages = wanted;
  whole_pages.alignment = std::max(wanted.alignment, page_size_);
  const auto search = [&](auto&& holes) -> std::optional<uint64_t> {
    for (const auto& hole : holes) {
      if (const auto address = fit(whole_pages, size, hole)) return address;
    }
    return std::nullopt;
  };
  const auto address =
      wanted.order == MemoryRequest::Order::highest ? search(free_ | std::views::reverse) : search(free_);
  if (address) {
    take_at(*address, size);
    return *address;
  }
  uint64_t largest = 0;
  for (const auto& hole : intersect(free_, {wanted.min, wanted.max}))
    largest = std::max(largest, hole.size());
  return fail(
      ErrorCode::no_space, "no free memory for {}: it needs {}{}, and the largest free range has {}",
      wanted.what, format_size(size),
      wanted.alignment > page_size_ ? fmt::format(" aligned to {}", format_size(wanted.alignment)) : "",
      format_size(largest));
}

bool Placement::take_at(uint64_t address, uint64_t size) {
  if (size > UINT64_MAX - page_size_ || address % page_size_ != 0) return false;
  size = align_up(size, page_size_);
  const auto hole = std::ranges::find_if(free_, [&](const MemoryRange& range) {
    return range.begin <= address && address < range.end && range.end - address >= size;
  });
  if (hole == free_.end()) return false;
  free_ = subtract(std::move(free_), {{address, address + size}});
  return true;
}

}  // namespace lifeboat
