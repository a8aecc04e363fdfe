// SPDX-License-Identifier: GPL-2.0-or-later
// The first walk of a capture: both bitmaps, chunk by chunk, into the file.
#pragma once

#include <functional>

#include "capture/engine/filter.h"
#include "src/base/progress.h"
#include "src/dump/kdump_writer.h"

namespace lifeboat {

// Makes a filter of the same level for another thread: each has its own view of the kernel's memory.
using FilterMaker = std::function<Result<PageFilter>()>;

// Scans all that `filter` covers, by up to `threads` threads. The statistics of all are in `filter` then.
// An error of the writer ends it; all threads have ended when it returns.
Result<> scan_into(PageFilter& filter, unsigned threads, const FilterMaker& make_filter, uint64_t max_pfn,
                   PageSize page_size, KdumpWriter& writer, Progress& progress);

}  // namespace lifeboat
