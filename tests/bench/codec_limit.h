// SPDX-License-Identifier: GPL-2.0-or-later
// How fast a capture could be: the time that the codec itself takes for the pages that are kept. Reading,
// scan and writing are left out.
#pragma once

#include <cstdint>
#include <string>

#include "src/dump/levels.h"

namespace lifeboat::test {

struct CodecTime {
  double seconds = 0;  // in the codec, of all threads together
  uint64_t pages = 0;  // that it was given: kept, and not zero
  uint64_t bytes = 0;  // that it made of them
};

// Of the pages that `dump` has, with their contents in `source`; both paths. With several threads each has
// its share of the pages, and all work at the same time: CPUs that share a core, or the memory, slow each
// other down. A BenchError when one cannot be read.
CodecTime codec_time(const std::string& source, const std::string& dump, const CompressionChoice& choice,
                     unsigned threads);

}  // namespace lifeboat::test
