// SPDX-License-Identifier: GPL-2.0-or-later
// The size of a page of memory. It belongs to a machine or to a dump: some architectures have one size,
// for others it is chosen when the kernel is built.
#pragma once

#include <cstdint>
#include <optional>

namespace lifeboat {

// 4, 16 or 64 KiB: those that lifeboat reads. The default is the smallest of them.
class PageSize {
 public:
  constexpr PageSize() = default;
  // Nothing for any other number of bytes.
  static constexpr std::optional<PageSize> of(uint64_t bytes) {
    for (const unsigned shift : {12u, 14u, 16u})
      if (bytes == uint64_t{1} << shift) return PageSize(shift);
    return std::nullopt;
  }

  [[nodiscard]] constexpr uint64_t bytes() const { return uint64_t{1} << shift_; }
  // Of so many pages.
  [[nodiscard]] constexpr uint64_t bytes(uint64_t pages) const { return pages << shift_; }
  [[nodiscard]] constexpr unsigned shift() const { return shift_; }
  // The page frame that holds the address.
  [[nodiscard]] constexpr uint64_t frame(uint64_t address) const { return address >> shift_; }
  // Where the page frame begins. The caller ensures that this is an address.
  [[nodiscard]] constexpr uint64_t address(uint64_t pfn) const { return pfn << shift_; }
  // How far behind the beginning of its page the address is.
  [[nodiscard]] constexpr uint64_t within(uint64_t address) const { return address & (bytes() - 1); }
  // How many pages so many bytes fill; the last perhaps in part.
  [[nodiscard]] constexpr uint64_t pages(uint64_t bytes_of_memory) const {
    return (bytes_of_memory >> shift_) + (within(bytes_of_memory) != 0 ? 1 : 0);
  }

  friend constexpr bool operator==(PageSize, PageSize) = default;

 private:
  constexpr explicit PageSize(unsigned shift) : shift_(shift) {}
  unsigned shift_ = 12;
};

}  // namespace lifeboat
