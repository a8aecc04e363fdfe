// SPDX-License-Identifier: GPL-2.0-or-later
// A vmlinux: a 64-bit ELF executable, loaded by the physical addresses of its PT_LOAD headers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

struct ElfKernel {
  struct Segment {
    uint64_t physical = 0;     // p_paddr
    uint64_t offset = 0;       // in the file; offset + file_size lies inside of it
    uint64_t file_size = 0;    // the rest up to memory_size is zero
    uint64_t memory_size = 0;  // at least file_size
  };

  // `unsupported` for another machine than this program's and for what is not ET_EXEC; `corrupt` and
  // `truncated` for inconsistent headers: segments outside the file, overlapping in memory, empty, or
  // wrapping around; an entry point outside all segments.
  static Result<ElfKernel> parse(ByteSpan file, std::string_view name);

  uint64_t entry = 0;             // physical, inside of a segment
  std::vector<Segment> segments;  // sorted by physical address, none empty
  // From the file's "Linux version ..." banner (`linux_banner`, init/version.c); empty when it has none.
  std::string release;

  [[nodiscard]] uint64_t begin() const;  // of the lowest segment
  [[nodiscard]] uint64_t end() const;    // behind the highest
};

}  // namespace lifeboat
