// SPDX-License-Identifier: GPL-2.0-or-later
// SHA-256 (FIPS 180-4), written for purgatory, which has no library. The loader makes its digests with the
// same code, and images that name other files by path have theirs checked with it.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace lifeboat {

class Sha256 {
 public:
  static constexpr size_t kDigestBytes = 32;
  Sha256();
  void update(const void* bytes, size_t size);
  // Ends the message; do not use the object afterwards.
  void finish(uint8_t digest[kDigestBytes]);

 private:
  void block(const uint8_t* bytes);
  uint32_t state_[8];
  uint64_t length_ = 0;  // bytes so far
  uint8_t buffer_[64];
};

}  // namespace lifeboat
