// SPDX-License-Identifier: GPL-2.0-or-later
// What a dump of some memory would be like, without writing one: the pages of each class, and what they would
// take. Of each class some pages are read and compressed. The memory of the running kernel will do, too.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "capture/engine/filter.h"
#include "src/base/progress.h"
#include "src/dump/levels.h"

namespace lifeboat {

// `pages` are all of the machine; the others are of the pages that were looked at.
struct ClassEstimate {
  uint64_t pages = 0;
  uint64_t sampled = 0, zero = 0;
  uint64_t packed_bytes = 0;  // that those take which are not zero
};

struct DumpEstimate {
  std::array<ClassEstimate, kPageClasses> classes{};
  PageSize page_size;
  uint64_t ram_pages = 0;
  uint64_t fixed_bytes = 0;  // headers, notes, bitmaps
  bool filtered = false;     // false: no page has a class, because `warnings`
  std::vector<std::string> warnings;
  unsigned scanned_part = 1;  // one of so many chunks was scanned; the figures are multiplied
  double scan_seconds = 0;    // of `threads` threads
  double codec_seconds = 0;   // of one thread, for all pages that were sampled
  unsigned threads = 1;

  // Of a dump at that level.
  [[nodiscard]] uint64_t pages_at(int level) const;
  [[nodiscard]] uint64_t bytes_at(int level) const;
  // What the codec needs for it, of one thread.
  [[nodiscard]] double codec_seconds_at(int level) const;
};

struct EstimateOptions {
  CompressionChoice compression;
  unsigned threads = 1;
  // Of a larger machine only every N-th chunk is scanned; 0: all.
  uint64_t most_chunks = 0;
};

// `unsupported` or `not_found` when the pages cannot be classified is no error: all are kept, see `filtered`.
Result<DumpEstimate> estimate_dump(Dump& source, const EstimateOptions& options, Progress& progress);

}  // namespace lifeboat
