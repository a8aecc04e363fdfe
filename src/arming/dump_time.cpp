// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/dump_time.h"

#include <algorithm>
#include <cstdint>

#include "src/base/size.h"

namespace lifeboat::arming {
namespace {

// For codecs with levels: from this level on.
struct Rate {
  Compression compression;
  int level;
  uint64_t bytes;  // in a second
};
// About half of what one core of a current server does (docs/loading.md): a capture kernel may run on an
// older CPU, with cold caches and no turbo, and reads the crashed kernel's memory a page at a time. The
// highest level of each codec first.
constexpr Rate kRates[] = {
    {Compression::zstd, 13, 2_MiB}, {Compression::zstd, 10, 6_MiB},    {Compression::zstd, 7, 16_MiB},
    {Compression::zstd, 5, 50_MiB}, {Compression::zstd, 3, 120_MiB},   {Compression::zstd, -200000, 140_MiB},
    {Compression::zlib, 7, 18_MiB}, {Compression::zlib, 2, 50_MiB},    {Compression::zlib, -1, 70_MiB},
    {Compression::lzo, 0, 300_MiB}, {Compression::snappy, 0, 300_MiB}, {Compression::none, 0, 500_MiB},
};
// Of a codec that is not in the table.
constexpr uint64_t kSlowest = 4_MiB;

// Whether a dump has been filtered of all that programs and their files can fill a machine with: cache with
// and without private data, user memory, free memory.
constexpr int kNothingButTheKernel = 2 | 4 | 8 | 16;
// Of the machine's memory, what the kernel itself takes: seldom more on a machine that is at work.
constexpr uint64_t kKernelsShare = 10;

// sizeof(struct page), which the filter reads for every page; and how much of that in a second.
constexpr uint64_t kPageStructure = 64;
constexpr uint64_t kScanned = 1_GiB;

// Of one CPU. An older record has only the time until the dump was saved, and was made by one.
double seconds_with_one(const CrashRecord& record) {
  constexpr double kMaximum = 1e7;  // more is no time that a capture ever took
  if (record.cpu_seconds > 0 && record.cpu_seconds < kMaximum) return record.cpu_seconds;
  return record.cpus <= 1 ? dump_seconds(record) : 0;
}

// "zstd" and "zstd:1" are the same.
bool is_compressed_by(const CrashRecord& record, const CompressionChoice& choice) {
  const auto recorded = parse_compression_choice(record.compression);
  if (!recorded) return false;
  return choice.automatic || (recorded->compression == choice.compression &&
                              bytes_in_a_second(*recorded) == bytes_in_a_second(choice));
}

const StoredRecord* longest(const DumpSettings& dump, std::span<const StoredRecord> records) {
  const StoredRecord* found = nullptr;
  for (const auto& stored : records) {
    const CrashRecord& record = stored.record;
    const bool comparable = stored.outcome == CrashOutcome::whole && !record.fell_back &&
                            record.level == dump.level.front() && record.dump_bytes > 0 &&
                            is_compressed_by(record, dump.compression);
    if (!comparable || seconds_with_one(record) <= 0) continue;
    if (found == nullptr || seconds_with_one(record) > seconds_with_one(found->record)) found = &stored;
  }
  return found;
}

}  // namespace

uint64_t bytes_in_a_second(const CompressionChoice& choice) {
  for (const auto& [compression, level, bytes] : kRates)
    if (compression == choice.compression && choice.level >= level) return bytes;
  return kSlowest;
}

uint64_t kept_memory(int level, uint64_t ram) {
  return (level & kNothingButTheKernel) == kNothingButTheKernel ? ram / 100 * kKernelsShare : ram;
}

DumpTime expected_dump_time(const DumpSettings& dump, uint64_t ram, uint64_t page_size,
                            std::span<const StoredRecord> records) {
  if (dump.log_only()) return {.seconds = 0, .source = "no dump is saved: [dump] level is none"};
  if (const auto* const found = longest(dump, records))
    return {.seconds = seconds_with_one(found->record), .source = "measured: " + found->path};
  if (ram == 0 || page_size == 0) return {.seconds = 0, .source = "the size of the memory is not known"};
  const uint64_t kept = kept_memory(dump.level.front(), ram);
  const auto seconds = [](uint64_t bytes, uint64_t rate) {
    return static_cast<double>(bytes) / static_cast<double>(rate);
  };
  const uint64_t rate = bytes_in_a_second(dump.compression);
  return {.seconds = seconds(kept, rate) + seconds(ram / page_size * kPageStructure, kScanned),
          .source = fmt::format("{} of {} at {} a second ({}), at most", format_size(kept), format_size(ram),
                                format_size(rate), format_compression_choice(dump.compression))};
}

}  // namespace lifeboat::arming
