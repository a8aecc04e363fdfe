// SPDX-License-Identifier: GPL-2.0-or-later
// A unified kernel image without its large sections, for a boot menu: an image may have a gigabyte, and a
// menu needs some KiB of it.
#pragma once

#include <string>
#include <vector>

#include "src/base/bytes.h"
#include "src/base/error.h"
#include "src/image/unwrap/pe.h"
#include "src/image/unwrap/uki.h"

namespace lifeboat {

class UkiOutline {
 public:
  // Reads the headers, the texts, and the beginnings of other sections. `truncated` when the file ends before
  // one of them, `unsupported` for headers or texts larger than those of any image.
  static Result<UkiOutline> read(const std::string& path);

  // As read_uki(), with the same errors; but of kernel, initramfs, microcode, command line and release only
  // the beginning is there, and the spans lie in this object.
  [[nodiscard]] Result<UkiParts> parts(unsigned profile) const;

 private:
  Result<> take(int fd, uint64_t file_bytes, PeSection& section);

  PeFile pe_;  // the sections' positions are those in bytes_
  std::vector<std::byte> bytes_;
};

}  // namespace lifeboat
