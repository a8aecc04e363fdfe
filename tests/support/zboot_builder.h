// SPDX-License-Identifier: GPL-2.0-or-later
// An arm64 Image, and the EFI program that unpacks one (zboot), built field by field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/bytes.h"

namespace lifeboat::test {

// Named as in Documentation/arch/arm64/booting.rst.
struct Arm64Fields {
  uint64_t text_offset = 0;
  uint64_t image_size = 0x200000;
  uint64_t flags = 0b1010;  // little-endian, 4 KiB pages, anywhere
  std::string banner = "Linux version 6.12.1-arm64 (builder@host) #1 SMP";
};
std::vector<std::byte> build_arm64_image(const Arm64Fields& fields = {});

struct ZbootFields {
  std::vector<std::byte> payload;
  std::string compression = "gzip";
  std::optional<uint32_t> payload_offset = {};
  std::optional<uint32_t> payload_size = {};
};
std::vector<std::byte> build_zboot(const ZbootFields& fields);

}  // namespace lifeboat::test
