// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/codec_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "src/base/size.h"
#include "src/dump/kdump_format.h"

namespace lifeboat {
namespace {

// Two figures of one measurement that differ by less are the same.
constexpr double kSameTime = 1.02;
// The sample stands for all pages, and is not all of them: a codec fits when so much more would.
constexpr double kSpaceMargin = 1.05;

bool is_speed(double value) {
  return value > 0;  // false for NaN too
}

uint64_t whole_bytes(double bytes) {
  constexpr auto kMax = static_cast<double>(std::numeric_limits<uint64_t>::max());
  return bytes < kMax ? static_cast<uint64_t>(bytes) : std::numeric_limits<uint64_t>::max();
}

CodecDecision expect(const CodecSample& sample, const TargetSpeed& speed, const ExpectedCapture& expected) {
  const auto pages = static_cast<double>(expected.pages);
  const double bytes = pages * (sample.bytes_per_page + sizeof(kdump::PageDescriptor));
  const double cpu = pages * (sample.cpu_seconds_per_page + expected.other_cpu_seconds_per_page) +
                     bytes * speed.cpu_seconds_per_byte;
  const double computing = cpu / std::max(expected.threads, 1U);
  const double writing = bytes / speed.bytes_per_second;
  return {.sample = sample,
          .seconds = std::max(computing, writing),
          .bytes = whole_bytes(bytes),
          .limit = writing > computing ? CaptureLimit::target : CaptureLimit::cpu,
          .fits = !expected.space || bytes * kSpaceMargin <= static_cast<double>(*expected.space)};
}

// "412", "1.7": three digits are enough.
std::string figure(double value) {
  return value < 10 ? fmt::format("{:.1f}", value) : fmt::format("{:.0f}", value);
}

std::string megabytes_per_second(double bytes_per_second) {
  return std::isfinite(bytes_per_second) ? figure(bytes_per_second / 1e6) + " MB/s" : "any speed";
}

}  // namespace

Result<CodecDecision> choose_codec(std::span<const CodecSample> samples, const TargetSpeed& speed,
                                   const ExpectedCapture& expected) {
  if (samples.empty()) return fail(ErrorCode::usage, "cannot choose a codec: none was measured");
  if (!is_speed(speed.bytes_per_second))
    return fail(ErrorCode::usage, "cannot choose a codec: {} bytes per second is not a target's speed",
                speed.bytes_per_second);
  std::vector<CodecDecision> candidates;
  for (const auto& sample : samples) candidates.push_back(expect(sample, speed, expected));
  const auto by_size = [](const CodecDecision& one, const CodecDecision& other) {
    return one.bytes < other.bytes;
  };
  const bool none_fits = std::ranges::none_of(candidates, &CodecDecision::fits);
  if (none_fits && !expected.more_space) return *std::ranges::min_element(candidates, by_size);
  if (!none_fits) std::erase_if(candidates, [](const CodecDecision& candidate) { return !candidate.fits; });
  const double best = std::ranges::min(candidates, {}, &CodecDecision::seconds).seconds;
  std::erase_if(candidates,
                [best](const CodecDecision& candidate) { return candidate.seconds > best * kSameTime; });
  return *std::ranges::min_element(candidates, by_size);
}

std::string describe(const CodecDecision& decision, const TargetSpeed& speed,
                     const ExpectedCapture& expected) {
  const CodecSample& sample = decision.sample;
  if (sample.pages == 0)
    return format_compression_choice(sample.codec) + ": nothing was measured, there are only pages of zeros";
  const auto page_bytes = static_cast<double>(expected.page_size.bytes());
  const unsigned threads = std::max(expected.threads, 1U);
  const double rate = sample.cpu_seconds_per_page > 0 ? page_bytes * threads / sample.cpu_seconds_per_page
                                                      : std::numeric_limits<double>::infinity();
  return fmt::format(
      "{}: {} with {} thread{}, pages become {:.1f} % of their size; the target takes {}{}; {} "
      "in {} s{}",
      format_compression_choice(sample.codec), megabytes_per_second(rate), threads, threads == 1 ? "" : "s",
      100 * sample.bytes_per_page / page_bytes, megabytes_per_second(speed.bytes_per_second),
      decision.limit == CaptureLimit::target ? " and is the limit" : "", format_size(decision.bytes),
      figure(decision.seconds), decision.fits ? "" : "; no codec is expected to fit into the free space");
}

}  // namespace lifeboat
