// SPDX-License-Identifier: GPL-2.0-or-later
// The block in purgatory's image with the loader's parameters. Both are built from the same source tree, so
// there is no version: the magic number only proves that the block is at the expected place.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace lifeboat::x86_64 {

// Bytes from the start of the image; the linker script puts the block there and refuses any other place.
inline constexpr size_t kParametersOffset = 0x100;
inline constexpr uint64_t kParametersMagic = 0x74616f626566696c;  // "lifeboat"
inline constexpr size_t kMaxRegions = 16;

struct PurgatoryParameters {
  uint64_t magic;
  uint64_t kernel_entry;  // physical, as are all addresses here
  uint64_t boot_params;
  uint64_t copy_from, copy_to, copy_size;
  uint32_t region_count;
  uint16_t serial_port;
  uint16_t padding;
  uint8_t digest[32];
  struct Region {
    uint64_t address, size;
  } regions[kMaxRegions];
};
static_assert(sizeof(PurgatoryParameters) == 0x158);

}  // namespace lifeboat::x86_64
