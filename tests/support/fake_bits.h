// SPDX-License-Identifier: GPL-2.0-or-later
// The second bitmap of a dump, in memory. Counts how often it is read and written.
#pragma once

#include <algorithm>
#include <vector>

#include "capture/engine/bitmap.h"
#include "capture/engine/stored_bits.h"

namespace lifeboat::test {

class FakeBits final : public StoredBits {
 public:
  // All pages below `max_pfn` are stored.
  explicit FakeBits(uint64_t max_pfn) : bits_(divide_up(max_pfn, 8)) { fill_bits(bits_, 0, max_pfn, true); }

  void set(uint64_t first, uint64_t end, bool value) { fill_bits(bits_, first, end - first, value); }
  [[nodiscard]] bool has(uint64_t pfn) const { return test_bit(bits_, pfn); }
  [[nodiscard]] uint64_t count() const { return count_bits(bits_); }
  [[nodiscard]] const std::vector<std::byte>& bits() const { return bits_; }

  Result<> read(uint64_t first_pfn, MutableByteSpan bits) override {
    ++reads;
    if (reads == failing_read) return fail(ErrorCode::io, "the bitmap was made to fail");
    std::ranges::copy(slice(bits_, first_pfn / 8, bits.size(), "bitmap").value(), bits.begin());
    return {};
  }
  Result<> write(uint64_t first_pfn, ByteSpan bits) override {
    ++writes;
    if (writes == failing_write) return fail(ErrorCode::no_space, "the bitmap was made to fail");
    std::ranges::copy(bits, bits_.begin() + static_cast<std::ptrdiff_t>(first_pfn / 8));
    return {};
  }

  size_t reads = 0, writes = 0;
  size_t failing_read = 0, failing_write = 0;  // the n-th; 0: none

 private:
  std::vector<std::byte> bits_;
};

}  // namespace lifeboat::test
