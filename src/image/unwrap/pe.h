// SPDX-License-Identifier: GPL-2.0-or-later
// The section table of a 64-bit EFI program (PE32+; Microsoft's PE format specification).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"

namespace lifeboat {

struct PeSection {
  std::string name;  // at most 8 characters
  uint32_t virtual_size = 0;
  uint32_t raw_size = 0;
  uint32_t raw_offset = 0;

  // What the file holds of it. The file's part is padded to its alignment and memory's part may end in zeros
  // that the file does not hold: the content is the smaller of both. `truncated` when it does not lie inside
  // of `file`.
  [[nodiscard]] Result<ByteSpan> content(ByteSpan file) const;
};

// In the order of the table. The position of the contents is not checked here: only some sections are read.
Result<std::vector<PeSection>> read_pe_sections(ByteSpan file);

}  // namespace lifeboat
