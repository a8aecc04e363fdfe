// SPDX-License-Identifier: GPL-2.0-or-later
// From the pages to save to the file: several threads read, compare and compress batches of pages, one
// writes them in order. No lock and no allocation for a single page; the memory is fixed when it begins.
#pragma once

#include <functional>

#include "capture/engine/page_batch.h"
#include "capture/engine/page_feed.h"
#include "src/dump/levels.h"

namespace lifeboat {

struct PipelineOptions {
  // That prepare batches, at most. With one, no thread is started: the caller's does all.
  unsigned threads = 1;
  // Bytes of buffers, codecs and what is remembered of pages that are in the file.
  size_t memory = size_t{16} << 20;
  CompressionChoice compression;
};

// The least memory that a pipeline can work with.
size_t smallest_pipeline_memory();

// How many threads there is memory for, of those that are wanted.
unsigned planned_threads(const PipelineOptions& options);

struct PipelineReport {
  BatchStatistics pages;
  unsigned threads = 1;  // that prepared batches
};

// Saves the pages of `feed`, which hands out those of `leading` first. `on_pages(n)` is called after each
// batch with the pages done so far. Threads that cannot be started, or whose buffers there is no memory for,
// are done without; the log says so. An error of the writer, the codec or the feed ends it; all threads have
// ended when it returns.
Result<PipelineReport> save_pages(PhysicalMemory& source, PageFeed& feed, LeadingPages& leading,
                                  KdumpWriter& writer, PageSize page_size, const PipelineOptions& options,
                                  const std::function<void(uint64_t pages)>& on_pages);

}  // namespace lifeboat
