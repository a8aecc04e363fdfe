// SPDX-License-Identifier: GPL-2.0-or-later
// A btrfs, as much of it as a probe for its UUID looks at.
#pragma once

#include <cstring>
#include <string_view>
#include <vector>

#include "src/base/size.h"

namespace lifeboat::test {

inline constexpr const char* kBtrfsUuid = "cdcdcdcd-cdcd-cdcd-cdcd-cdcdcdcdcdcd";
// include/uapi/linux/btrfs_tree.h, struct btrfs_super_block
inline constexpr size_t kBtrfsSuper = 64_KiB, kBtrfsMagic = kBtrfsSuper + 0x40;

// Of the superblock behind it; newer probes look at it.
inline uint32_t crc32c(const std::byte* begin, const std::byte* end) {
  uint32_t crc = ~uint32_t{0};
  for (const std::byte* at = begin; at != end; ++at) {
    crc ^= std::to_integer<uint32_t>(*at);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0x82f63b78 & (0 - (crc & 1)));
  }
  return ~crc;
}

inline std::vector<std::byte> btrfs_disk(uint64_t devices) {
  std::vector<std::byte> disk(1_MiB);
  const auto put = [&](size_t at, const auto& value) {
    std::memcpy(&disk[kBtrfsSuper + at], &value, sizeof value);
  };
  for (size_t index = 0; index < 16; ++index) disk[kBtrfsSuper + 0x20 + index] = std::byte{0xcd};
  put(0x30, uint64_t{kBtrfsSuper});  // where it is
  constexpr std::string_view kMagic = "_BHRfS_M";
  std::memcpy(&disk[kBtrfsMagic], kMagic.data(), kMagic.size());
  put(0x70, uint64_t{disk.size()});
  put(0x88, devices);
  put(0x90, uint32_t{4096});  // bytes of a sector
  put(0, crc32c(&disk[kBtrfsSuper + 0x20], &disk[kBtrfsSuper + 0x1000]));
  return disk;
}

}  // namespace lifeboat::test
