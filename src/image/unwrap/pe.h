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

struct PeFile {
  uint16_t machine = 0;             // the number of the architecture that its code is for
  bool has_signature = false;       // a signature is attached; whether it is good is not checked
  std::vector<PeSection> sections;  // in the order of the table
};

// The position of the sections' contents is not checked here: only some are read.
Result<PeFile> read_pe(ByteSpan file);

}  // namespace lifeboat
