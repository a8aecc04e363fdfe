// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/bitmap.h"

#include <gtest/gtest.h>

#include <vector>

namespace lifeboat {
namespace {

// Every start and length within three bytes, against bits set one by one.
TEST(Bitmap, FillAgreesWithSingleBits) {
  constexpr uint64_t kBits = 24;
  for (const bool value : {true, false}) {
    for (uint64_t first = 0; first < kBits; ++first) {
      for (uint64_t count = 0; first + count <= kBits; ++count) {
        std::vector<std::byte> bits(kBits / 8, value ? std::byte{0} : std::byte{0xff});
        fill_bits(bits, first, count, value);
        for (uint64_t bit = 0; bit < kBits; ++bit) {
          const bool inside = bit >= first && bit < first + count;
          ASSERT_EQ(test_bit(bits, bit), inside == value) << first << '+' << count << " at " << bit;
        }
        ASSERT_EQ(count_bits(bits), value ? count : kBits - count);
      }
    }
  }
}

}  // namespace
}  // namespace lifeboat
