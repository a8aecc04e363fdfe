// SPDX-License-Identifier: GPL-2.0-or-later
// The first walk of a capture: both bitmaps, chunk by chunk, by several threads.
#pragma once

#include <functional>

#include "capture/engine/filter.h"
#include "src/base/progress.h"
#include "src/dump/kdump_writer.h"

namespace lifeboat {

// Makes a filter of the same level for another thread: each has its own view of the kernel's memory.
using FilterMaker = std::function<Result<PageFilter>()>;

// Takes the bits of a chunk: one at a time, in any order.
using ChunkSink = std::function<Result<>(const ChunkBits& bits)>;

struct ScanOptions {
  unsigned threads = 1;  // at most
  unsigned step = 1;     // only every N-th chunk is scanned
};

// Scans all that `filter` covers. The statistics of all threads are in `filter` then. An error of the sink
// ends it; all threads have ended when it returns.
Result<> scan_chunks(PageFilter& filter, const ScanOptions& options, const FilterMaker& make_filter,
                     uint64_t max_pfn, PageSize page_size, const ChunkSink& sink, Progress& progress);

// The same, of all chunks into the file.
Result<> scan_into(PageFilter& filter, unsigned threads, const FilterMaker& make_filter, uint64_t max_pfn,
                   PageSize page_size, KdumpWriter& writer, Progress& progress);

}  // namespace lifeboat
