// SPDX-License-Identifier: GPL-2.0-or-later
// The header of an arm64 kernel (Documentation/arch/arm64/booting.rst, arch/arm64/include/asm/image.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

struct Arm64Image {
  // `unsupported` for what has no such header, `truncated` for a file shorter than it.
  static Result<Arm64Image> parse(ByteSpan file, std::string_view name);

  uint64_t text_offset = 0;  // from a multiple of 2 MiB to where the image begins
  uint64_t image_size = 0;   // in memory, with the zeros at its end; 0: a kernel before 3.17, unknown
  uint32_t page_size = 0;    // bytes; 0: unknown
  bool big_endian = false;
  bool anywhere = false;  // may lie anywhere in memory; else as close to its beginning as possible
  std::string release;    // from its banner; empty when it has none

  // "an arm64 kernel (Image) 6.12.1, 4 KiB pages, little-endian, 31.9 MiB in memory"
  [[nodiscard]] std::string description() const;
};

}  // namespace lifeboat
