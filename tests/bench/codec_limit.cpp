// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/bench/codec_limit.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "src/dump/codec.h"
#include "tests/bench/bench.h"

namespace lifeboat::test {
namespace {

// Of this thread: what others do with the processor meanwhile does not count.
double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// So many that asking the clock costs nothing, so few that they stay in the processor's cache.
constexpr size_t kBatchPages = 64;

template <typename T>
T must_have(Result<T> result) {
  if (!result) throw BenchError(result.error().to_string());
  return *std::move(result);
}

std::vector<uint64_t> stored_pages(const std::string& path) {
  const auto dump = must_have(Dump::open(path));
  std::vector<uint64_t> pfns;
  const uint64_t end = dump->info().max_pfn;
  for (uint64_t at = 0; at < end;) {
    const auto range = must_have(dump->next_stored(at, end));
    if (!range) break;
    for (uint64_t pfn = range->first; pfn < range->end; ++pfn) pfns.push_back(pfn);
    at = range->end;
  }
  return pfns;
}

// One thread's part: a source and a codec of its own.
class Worker {
 public:
  Worker(const std::string& source, const CompressionChoice& choice)
      : source_(must_have(Dump::open(source))),
        codec_(must_have(PageCompressor::create(choice.compression, choice.level))),
        page_bytes_(source_->page_size().bytes()),
        raw_(kBatchPages * page_bytes_) {}

  void compress(std::span<const uint64_t> pfns) {
    size_t count = 0;
    for (const uint64_t pfn : pfns) {
      const MutableByteSpan page = MutableByteSpan(raw_).subspan(count * page_bytes_, page_bytes_);
      const auto read = source_->read(source_->page_size().address(pfn), page);
      if (!read) throw BenchError(read.error().to_string());
      const bool zero = std::ranges::all_of(page, [](std::byte byte) { return byte == std::byte{0}; });
      if (!zero) ++count;
    }
    const double begin = cpu_seconds();
    for (size_t index = 0; index < count; ++index) {
      const auto packed = codec_->compress(ByteSpan(raw_).subspan(index * page_bytes_, page_bytes_));
      if (!packed) throw BenchError(packed.error().to_string());
      time.bytes += packed->empty() ? page_bytes_ : packed->size();
    }
    time.seconds += cpu_seconds() - begin;
    time.pages += count;
  }

  CodecTime time;

 private:
  std::unique_ptr<Dump> source_;
  std::unique_ptr<PageCompressor> codec_;
  uint64_t page_bytes_;
  std::vector<std::byte> raw_;
};

}  // namespace

CodecTime codec_time(const std::string& source, const std::string& dump, const CompressionChoice& choice,
                     unsigned threads) {
  const std::vector<uint64_t> pfns = stored_pages(dump);
  std::vector<Worker> workers;
  for (unsigned index = 0; index < threads; ++index) workers.emplace_back(source, choice);
  std::vector<std::string> failures(threads);
  std::vector<std::thread> running;
  for (unsigned index = 0; index < threads; ++index) {
    running.emplace_back([&, index] {
      try {
        for (size_t at = index * kBatchPages; at < pfns.size(); at += threads * kBatchPages)
          workers[index].compress(std::span(pfns).subspan(at, std::min(kBatchPages, pfns.size() - at)));
      } catch (const std::exception& error) {
        failures[index] = error.what();
      }
    });
  }
  for (auto& thread : running) thread.join();
  CodecTime sum;
  for (unsigned index = 0; index < threads; ++index) {
    if (!failures[index].empty()) throw BenchError(failures[index]);
    sum.seconds += workers[index].time.seconds;
    sum.pages += workers[index].time.pages;
    sum.bytes += workers[index].time.bytes;
  }
  return sum;
}

}  // namespace lifeboat::test
