// SPDX-License-Identifier: GPL-2.0-or-later
// A capture: from an opened vmcore to a KDUMP file. Used by `lifeboat capture` and by lifeboat-init.
//
// Two walks, each by several threads: the filter walks over the mem_map once and writes both bitmaps into
// the file (scan.h); then the pages whose bit is set are read, compressed and written (pipeline.h). Memory:
// chunks of the bitmaps, batches of pages, the codecs' working memory; none of it grows with the machine.
#pragma once

#include <functional>
#include <vector>

#include "capture/engine/filter.h"
#include "capture/engine/page_batch.h"
#include "src/base/progress.h"
#include "src/dump/dump.h"
#include "src/dump/dump_outcome.h"
#include "src/dump/levels.h"
#include "src/dump/pending_file.h"

namespace lifeboat {

// What to do when the filter cannot work (no VMCOREINFO, an unknown mem_map).
enum class Unfilterable {
  fail,     // return an error: the user can choose
  keep_all  // save every page: in the capture kernel there is no user, and the memory is about to be lost
};

struct CaptureOptions {
  // The next one is tried when the target is full, or takes no file of that size. `kNoDump` writes nothing.
  std::vector<int> levels = {31};
  CompressionChoice compression;
  Unfilterable unfilterable = Unfilterable::fail;
  // That scan and compress, at most. With 1 no thread is started.
  unsigned threads = 1;
  // Bytes for all buffers, codecs included; it does not grow with the machine.
  size_t memory = size_t{16} << 20;
  // Page frames that are never left out, and whose data come first in the file, in this order: what the
  // report reads. Asked for once. Empty: the order is that of the page frames.
  std::function<std::vector<uint64_t>()> leading_pages = {};
  // Leaves out the pages of mem_map that describe only pages left out. The header of the dump shows it. What
  // it saves is in CaptureReport::pages.mem_map_pages.
  bool drop_memmap = false;
  // Called when the target is full, before the next level is tried. True: some space was freed, and the
  // write that failed is tried again. Empty: no space can be freed.
  std::function<bool()> make_space = {};
};

struct CaptureReport {
  DumpOutcome outcome = DumpOutcome::failed;
  // Why it is incomplete: "3 of 600 pages could not be read"; empty: it is whole. Details: `warnings`.
  std::string reason;
  // The level that was used (0 when nothing could be filtered), combined with that of the source: pages that
  // the source left out are missing here, too.
  int level = 0;
  bool filtered = false;   // false: level 0 was asked for, or the filter could not work
  bool fell_back = false;  // the target was too small at the first level: this one is a later level
  FilterStatistics pages;
  PageSize page_size;  // of the source
  uint64_t zero_pages = 0;
  uint64_t shared_pages = 0;  // the same as another one, whose data stand for both
  uint64_t lost_pages = 0;    // could not be read
  uint64_t file_bytes = 0;
  CompressionChoice compression;   // that was used
  std::string compression_reason;  // why; empty: it was asked for
  unsigned threads = 1;            // that compressed
  unsigned scan_threads = 1;       // at most
  // Of the clock on the wall; `times` are those of all threads together.
  double scan_seconds = 0, save_seconds = 0, sync_seconds = 0;
  StageTimes times;
  // What one CPU would take, were the target infinitely fast: what more CPUs can make shorter.
  [[nodiscard]] double cpu_seconds() const;
  std::vector<std::string> warnings;
};

// Writes into `fd`, an empty file open for reading and writing. The outcome is `whole` (the file is marked so
// and synced) or `incomplete` (pages could not be read, or the source is incomplete: all other pages are
// written and synced, and the file is marked incomplete), or `log_only` (at the level kNoDump: the file is
// empty). An error is the outcome `failed`: what was written stays, marked incomplete.
Result<CaptureReport> capture_dump(Dump& source, int fd, const std::string& name,
                                   const CaptureOptions& options, Progress& progress);

// The same into a file that gets its final name only with the outcome `whole`. With `log_only` it is removed,
// else it keeps the pending name.
Result<CaptureReport> capture_into(Dump& source, PendingFile& file, const std::string& name,
                                   const CaptureOptions& options, Progress& progress);

}  // namespace lifeboat
