// SPDX-License-Identifier: GPL-2.0-or-later
// Compression `auto`: from what codecs did with a sample of the pages, and from the speed of the target,
// which one finishes first. Arithmetic alone, nothing is measured here: the figures come from
// codec_sampling.h and target_speed.h.
//
// The model: pages are compressed by several threads while the file is written, so a capture takes as long as
// the slower of the two. A codec that compresses better than the target needs waits for its own threads, and
// one that compresses less waits for the target.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "src/base/error.h"
#include "src/base/page_size.h"
#include "src/dump/levels.h"

namespace lifeboat {

using Seconds = std::chrono::duration<double>;

// What one codec did with the sample; the other pages are expected to behave alike.
struct CodecSample {
  CompressionChoice codec;          // never automatic
  double cpu_seconds_per_page = 0;  // of one thread, while as many worked as will work during the capture
  double bytes_per_page = 0;        // what the file gets: a page that does not become smaller counts whole
  uint64_t pages = 0;               // that were measured
};

// How fast the target takes what is written.
struct TargetSpeed {
  double bytes_per_second = 0;
  // Of the thread that writes: the copy into the page cache, the file system.
  double cpu_seconds_per_byte = 0;
};

// The work that is left when the choice is made.
struct ExpectedCapture {
  uint64_t pages = 0;  // to be stored, those of zeros not counted: they take no space
  PageSize page_size;
  unsigned threads = 1;                   // that compress
  double other_cpu_seconds_per_page = 0;  // of these threads, whatever the codec is: to read, to hash
  std::optional<uint64_t> space;          // bytes that the file may still take; nullopt: unknown
  bool more_space = false;                // may be made: if no codec fits, it does not matter which
};

enum class CaptureLimit {
  cpu,    // the threads: a faster target would not help
  target  // the target: more threads would not help
};

struct CodecDecision {
  CodecSample sample;  // of the codec that was chosen
  double seconds = 0;  // expected, for all pages
  uint64_t bytes = 0;  // expected, with the pages' descriptors
  CaptureLimit limit = CaptureLimit::cpu;
  // False: not even this one, the smallest, is expected to fit. The capture begins all the same: the estimate
  // may be wrong, space may be freed, and the next dump level may fit.
  bool fits = true;
};

// The codec that finishes first among those that fit into the space. Where several take the same time, but
// for what a measurement cannot tell apart (2 %), the one with the smallest file; then the first in
// `samples`. A `usage` error without samples, or with a speed that is none.
Result<CodecDecision> choose_codec(std::span<const CodecSample> samples, const TargetSpeed& speed,
                                   const ExpectedCapture& expected);

// For people, one line: "zstd: 412 MB/s with 2 threads, pages become 27.3 % of their size; the target takes
// 51 MB/s and is the limit; 1.2 GiB in 24 s". MB are millions of bytes of memory.
std::string describe(const CodecDecision& decision, const TargetSpeed& speed,
                     const ExpectedCapture& expected);

}  // namespace lifeboat
