// SPDX-License-Identifier: GPL-2.0-or-later
// Compiled twice: for the programs, and freestanding for purgatory. So: no library, no vector registers.
#include "src/base/sha256.h"

namespace lifeboat {
namespace {

constexpr size_t kBlockBytes = 64;
constexpr size_t kLengthBytes = 8;  // the message's length in bits ends the last block

// FIPS 180-4, 4.2.2
constexpr uint32_t kRoundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

inline uint32_t rotate_right(uint32_t value, int bits) {
  return (value >> bits) | (value << (32 - bits));
}

inline uint32_t load_big_endian(const uint8_t* bytes) {
  uint32_t value;
  __builtin_memcpy(&value, bytes, sizeof value);
  return __builtin_bswap32(value);
}

inline void store_big_endian(uint8_t* bytes, uint32_t value) {
  value = __builtin_bswap32(value);
  __builtin_memcpy(bytes, &value, sizeof value);
}

// One round. The standard shifts all eight words along; here the caller gives them in turned order instead,
// and only the two that get new values are touched.
[[gnu::always_inline]] inline void round(uint32_t a, uint32_t b, uint32_t c, uint32_t& d, uint32_t e,
                                         uint32_t f, uint32_t g, uint32_t& h, uint32_t input) {
  const uint32_t sum_e = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
  const uint32_t choice = g ^ (e & (f ^ g));
  const uint32_t mixed = h + sum_e + choice + input;
  const uint32_t sum_a = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
  const uint32_t majority = (a & b) | (c & (a | b));
  d += mixed;
  h = mixed + sum_a + majority;
}

}  // namespace

Sha256::Sha256()
    : state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19} {
}

void Sha256::block(const uint8_t* bytes) {
  uint32_t words[64];
  for (size_t i = 0; i < 16; ++i) words[i] = load_big_endian(bytes + 4 * i);
  for (size_t i = 16; i < 64; ++i) {
    const uint32_t near = words[i - 2], far = words[i - 15];
    const uint32_t near_mix = rotate_right(near, 17) ^ rotate_right(near, 19) ^ (near >> 10);
    const uint32_t far_mix = rotate_right(far, 7) ^ rotate_right(far, 18) ^ (far >> 3);
    words[i] = words[i - 16] + far_mix + words[i - 7] + near_mix;
  }
  uint32_t a = state_[0], b = state_[1], c = state_[2], d = state_[3];
  uint32_t e = state_[4], f = state_[5], g = state_[6], h = state_[7];
  for (size_t i = 0; i < 64; i += 8) {
    const uint32_t* const w = words + i;
    const uint32_t* const k = kRoundConstants + i;
    round(a, b, c, d, e, f, g, h, k[0] + w[0]);
    round(h, a, b, c, d, e, f, g, k[1] + w[1]);
    round(g, h, a, b, c, d, e, f, k[2] + w[2]);
    round(f, g, h, a, b, c, d, e, k[3] + w[3]);
    round(e, f, g, h, a, b, c, d, k[4] + w[4]);
    round(d, e, f, g, h, a, b, c, k[5] + w[5]);
    round(c, d, e, f, g, h, a, b, k[6] + w[6]);
    round(b, c, d, e, f, g, h, a, k[7] + w[7]);
  }
  state_[0] += a;
  state_[1] += b;
  state_[2] += c;
  state_[3] += d;
  state_[4] += e;
  state_[5] += f;
  state_[6] += g;
  state_[7] += h;
}

void Sha256::update(const void* bytes, size_t size) {
  const auto* next = static_cast<const uint8_t*>(bytes);
  const size_t held = length_ % kBlockBytes;
  length_ += size;
  if (held != 0) {
    const size_t room = kBlockBytes - held;
    const size_t part = size < room ? size : room;
    __builtin_memcpy(buffer_ + held, next, part);
    next += part;
    size -= part;
    if (part < room) return;
    block(buffer_);
  }
  for (; size >= kBlockBytes; next += kBlockBytes, size -= kBlockBytes) block(next);
  if (size != 0) __builtin_memcpy(buffer_, next, size);
}

void Sha256::finish(uint8_t digest[kDigestBytes]) {
  const uint64_t bits = length_ * 8;
  size_t held = length_ % kBlockBytes;
  buffer_[held++] = 0x80;
  if (held > kBlockBytes - kLengthBytes) {
    __builtin_memset(buffer_ + held, 0, kBlockBytes - held);
    block(buffer_);
    held = 0;
  }
  __builtin_memset(buffer_ + held, 0, kBlockBytes - kLengthBytes - held);
  store_big_endian(buffer_ + kBlockBytes - kLengthBytes, static_cast<uint32_t>(bits >> 32));
  store_big_endian(buffer_ + kBlockBytes - kLengthBytes / 2, static_cast<uint32_t>(bits));
  block(buffer_);
  for (size_t i = 0; i < 8; ++i) store_big_endian(digest + 4 * i, state_[i]);
}

}  // namespace lifeboat
