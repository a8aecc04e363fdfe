// SPDX-License-Identifier: GPL-2.0-or-later
// Ranges of bits in a bitmap of bytes, LSB first, as KDUMP stores them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

#include "src/base/bytes.h"

namespace lifeboat {

// Sets or clears bits [first, first + count); the caller keeps them inside.
inline void fill_bits(MutableByteSpan bits, uint64_t first, uint64_t count, bool value) {
  const auto change = [&](uint64_t byte, unsigned mask) {
    if (value) {
      bits[byte] |= static_cast<std::byte>(mask);
    } else {
      bits[byte] &= static_cast<std::byte>(~mask);
    }
  };
  uint64_t bit = first;
  const uint64_t end = first + count;
  while (bit < end) {
    if (bit % 8 == 0 && end - bit >= 8) {
      bits[bit / 8] = value ? std::byte{0xff} : std::byte{0};
      bit += 8;
    } else {
      change(bit / 8, 1u << (bit % 8));
      ++bit;
    }
  }
}

inline bool test_bit(ByteSpan bits, uint64_t bit) {
  return (static_cast<unsigned>(bits[bit / 8]) >> (bit % 8) & 1u) != 0;
}

// How many of bits [first, first + count) are set; the caller keeps them inside.
inline uint64_t count_bits(ByteSpan bits, uint64_t first, uint64_t count) {
  uint64_t found = 0;
  uint64_t bit = first;
  const uint64_t end = first + count;
  while (bit < end) {
    if (bit % 8 == 0 && end - bit >= 64) {
      uint64_t word;
      std::memcpy(&word, bits.data() + bit / 8, sizeof word);
      found += static_cast<unsigned>(std::popcount(word));
      bit += 64;
    } else {
      found += test_bit(bits, bit) ? 1 : 0;
      ++bit;
    }
  }
  return found;
}

inline uint64_t count_bits(ByteSpan bits) {
  return count_bits(bits, 0, bits.size() * 8);
}

}  // namespace lifeboat
