// SPDX-License-Identifier: GPL-2.0-or-later
// An ext4 file system, as much of it as a probe for its UUID looks at.
#pragma once

#include <cstring>
#include <vector>

#include "src/base/size.h"

namespace lifeboat::test {

inline constexpr const char* kExt4Uuid = "abababab-abab-abab-abab-abababababab";

inline std::vector<std::byte> ext4_disk() {
  std::vector<std::byte> disk(1_MiB);
  constexpr size_t kSuper = 1024;  // fs/ext4/ext4.h, struct ext4_super_block
  const auto put = [&](size_t at, uint16_t value) { std::memcpy(&disk[kSuper + at], &value, sizeof value); };
  put(0x04, 1024);    // blocks
  put(0x38, 0xef53);  // magic
  put(0x4c, 1);       // revision, with features
  put(0x5c, 4);       // has a journal
  put(0x60, 0x40);    // extents: ext4
  for (size_t index = 0; index < 16; ++index) disk[kSuper + 0x68 + index] = std::byte{0xab};
  return disk;
}

}  // namespace lifeboat::test
