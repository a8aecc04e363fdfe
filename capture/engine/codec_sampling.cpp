// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/codec_sampling.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <memory>
#include <numeric>
#include <optional>

#include "capture/engine/workers.h"
#include "src/dump/codec.h"

namespace lifeboat {
namespace {

using Clock = std::chrono::steady_clock;

// More would each need memory for every codec, and see nothing new: whether threads share a core or a cache
// shows with four.
constexpr unsigned kMaxSamplingThreads = 4;

// In the order of their effort. What is not here is slower than one of these that makes smaller files: other
// negative levels of zstd than lzo, zlib than zstd (docs/compression.md).
constexpr CompressionChoice kFastCodecs[] = {
    {.compression = Compression::none},   {.compression = Compression::lzo},
    {.compression = Compression::snappy}, {.compression = Compression::zstd, .level = -1},
    {.compression = Compression::zstd},
};
// For targets that are slower than the best of the above.
constexpr CompressionChoice kSmallCodecs[] = {
    {.compression = Compression::zstd, .level = 3},
    {.compression = Compression::zstd, .level = 6},
    {.compression = Compression::zstd, .level = 12},
};

// CPU time of the calling thread: what others do on this CPU does not count.
double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

bool is_zero(ByteSpan page) {
  return page.front() == std::byte{0} && std::memcmp(page.data(), page.data() + 1, page.size() - 1) == 0;
}

std::vector<ByteSpan> pages_to_measure(const PageSample& sample) {
  const size_t bytes = sample.page_size.bytes();
  std::vector<ByteSpan> pages;
  for (size_t at = 0; at + bytes <= sample.pages.size(); at += bytes) {
    const ByteSpan page = sample.pages.subspan(at, bytes);
    if (!is_zero(page)) pages.push_back(page);
  }
  return pages;
}

struct Sums {
  double cpu_seconds = 0;
  uint64_t bytes = 0;
  uint64_t pages = 0;
};

// What one thread measures: each codec with the same groups of pages, in turns.
class Sampler {
 public:
  static Result<Sampler> create(std::span<const CompressionChoice> codecs) {
    Sampler sampler;
    for (const auto& codec : codecs) sampler.compressors_.push_back(TRY(PageCompressor::create(codec)));
    sampler.sums_.resize(codecs.size());
    return sampler;
  }

  void measure(std::span<const ByteSpan> group) {
    for (size_t index = 0; index < compressors_.size(); ++index) {
      // The first page of a codec makes it touch its memory for the first time, which is not to count.
      if (sums_[index].pages == 0) ignore_result(compressors_[index]->compress(group.front()));
      const double begin = thread_seconds();
      for (const ByteSpan page : group) {
        const auto packed = compressors_[index]->compress(page);
        sums_[index].bytes += packed && !packed->empty() ? packed->size() : page.size();
      }
      sums_[index].cpu_seconds += thread_seconds() - begin;
      sums_[index].pages += group.size();
    }
  }

  [[nodiscard]] const std::vector<Sums>& sums() const { return sums_; }

 private:
  std::vector<std::unique_ptr<PageCompressor>> compressors_;
  std::vector<Sums> sums_;
};

// Which group is measured in its turn: every one once, from all over the sample, since there may be no time
// for all of them.
class GroupOrder {
 public:
  explicit GroupOrder(size_t groups)
      // The golden ratio puts each next one into the largest gap; without a common divisor, none comes twice.
      : groups_(groups), stride_(std::max<size_t>(groups * 618 / 1000, 1)) {
    while (std::gcd(stride_, groups_) != 1) ++stride_;
  }
  [[nodiscard]] size_t size() const { return groups_; }
  [[nodiscard]] size_t at(size_t turn) const { return turn * stride_ % groups_; }

 private:
  size_t groups_, stride_;
};

// Every `step`-th group of the order from `first` on, until the time is over; the very first in any case.
void measure_groups(Sampler& sampler, std::span<const ByteSpan> pages, const GroupOrder& order, size_t first,
                    size_t step, Clock::time_point end) {
  for (size_t turn = first; turn < order.size(); turn += step) {
    if (turn > 0 && Clock::now() >= end) return;
    const size_t begin = order.at(turn) * kSampleGroup;
    sampler.measure(pages.subspan(begin, std::min(kSampleGroup, pages.size() - begin)));
  }
}

std::vector<CodecSample> samples_of(std::span<const CompressionChoice> codecs,
                                    std::span<const Sampler> samplers) {
  std::vector<CodecSample> samples;
  for (size_t index = 0; index < codecs.size(); ++index) {
    Sums sum;
    for (const auto& sampler : samplers) {
      sum.cpu_seconds += sampler.sums()[index].cpu_seconds;
      sum.bytes += sampler.sums()[index].bytes;
      sum.pages += sampler.sums()[index].pages;
    }
    const auto pages = static_cast<double>(sum.pages);
    // Nothing but the calls was measured for what does not compress.
    const bool none = codecs[index].compression == Compression::none;
    samples.push_back({.codec = codecs[index],
                       .cpu_seconds_per_page = none ? 0 : sum.cpu_seconds / pages,
                       .bytes_per_page = static_cast<double>(sum.bytes) / pages,
                       .pages = sum.pages});
  }
  return samples;
}

// Whether one that compresses more than this could still finish before it, or fit.
bool more_may_help(const CodecDecision& decision, const ExpectedCapture& expected) {
  return decision.limit == CaptureLimit::target || (!decision.fits && !expected.more_space);
}

}  // namespace

Result<std::vector<CodecSample>> sample_codecs(const PageSample& sample,
                                               std::span<const CompressionChoice> codecs, unsigned threads,
                                               Seconds limit) {
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(limit);
  const std::vector<ByteSpan> pages = pages_to_measure(sample);
  if (pages.empty()) return std::vector<CodecSample>{};
  const GroupOrder order((pages.size() + kSampleGroup - 1) / kSampleGroup);
  // Each thread has a group at least.
  const size_t count = std::min<size_t>({std::max(threads, 1U), kMaxSamplingThreads, order.size()});
  std::vector<Sampler> samplers;
  for (size_t index = 0; index < count; ++index) samplers.push_back(TRY(Sampler::create(codecs)));
  // A thread that cannot be started leaves less to go by, and that is still right.
  TRY_VOID(run_by(static_cast<unsigned>(count), [&](unsigned index) -> Result<> {
    measure_groups(samplers[index], pages, order, index, count, end);
    return {};
  }));
  return samples_of(codecs, samplers);
}

Seconds sampling_limit(const TargetSpeed& speed, const ExpectedCapture& expected) {
  // What zstd takes and makes of a page, about: 400 MB/s, and a third of the size.
  const double bytes = static_cast<double>(expected.pages) * static_cast<double>(expected.page_size.bytes());
  const double computing = bytes / (400e6 * std::max(expected.threads, 1U));
  const double writing = bytes / 3 / speed.bytes_per_second;
  constexpr Seconds kMinimum{0.05}, kMaximum{0.5};
  return std::clamp(Seconds(0.02 * std::max(computing, writing)), kMinimum, kMaximum);
}

Result<CodecDecision> decide_codec(const PageSample& sample, const TargetSpeed& speed,
                                   const ExpectedCapture& expected) {
  const Seconds limit = sampling_limit(speed, expected);
  const auto samples = TRY(sample_codecs(sample, kFastCodecs, expected.threads, limit / 2));
  if (samples.empty()) return CodecDecision{};
  const auto fast = TRY(choose_codec(samples, speed, expected));
  if (!more_may_help(fast, expected)) return fast;
  // Together with the best so far: only figures of the same pages can be compared.
  std::vector<CompressionChoice> codecs = {fast.sample.codec};
  codecs.insert(codecs.end(), std::begin(kSmallCodecs), std::end(kSmallCodecs));
  return choose_codec(TRY(sample_codecs(sample, codecs, expected.threads, limit / 2)), speed, expected);
}

}  // namespace lifeboat
