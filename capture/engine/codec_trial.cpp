// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/codec_trial.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "capture/engine/codec_sampling.h"
#include "capture/engine/leading_pages.h"
#include "capture/engine/page_batch.h"
#include "capture/engine/page_feed.h"
#include "capture/engine/target_speed.h"

namespace lifeboat {
namespace {

// At a target of 5 MB/s that is 1.5 MB, enough to tell it from a fast one.
constexpr Seconds kSpeedTrial{0.3};

std::optional<uint64_t> free_space(int fd) {
  struct statvfs status{};
  if (::fstatvfs(fd, &status) != 0) return std::nullopt;
  return static_cast<uint64_t>(status.f_bavail) * status.f_frsize;
}

// Some of the pages that will be stored, from all over them: 4 MiB.
Result<std::vector<std::byte>> sample_stored_pages(const CodecTrial& trial) {
  constexpr uint64_t kSampleBytes = uint64_t{4} << 20;
  const uint64_t step = std::max<uint64_t>(trial.stored_pages / trial.page_size.frame(kSampleBytes), 1);
  std::vector<std::byte> sample, page(trial.page_size.bytes());
  const LeadingPages none;
  PageFeed feed(trial.filter, trial.writer, none, trial.max_pfn);
  PageBatch batch(trial.page_size);
  for (uint64_t number = 0; sample.size() < kSampleBytes;) {
    TRY_VOID(feed.fill(batch));
    if (batch.pages.empty()) break;
    for (const auto& each : batch.pages) {
      if (number++ % step != 0 || !trial.memory.read(trial.page_size.address(each.pfn), page)) continue;
      sample.insert(sample.end(), page.begin(), page.end());
    }
  }
  return sample;
}

}  // namespace

Result<ChosenCodec> try_codecs(const CodecTrial& trial, int fd, const std::string& name) {
  const auto speed = TRY(measure_file_speed(fd, name, kSpeedTrial));
  const auto sample = TRY(sample_stored_pages(trial));
  const ExpectedCapture expected{.pages = trial.stored_pages,
                                 .page_size = trial.page_size,
                                 .threads = trial.threads,
                                 .space = free_space(fd)};
  const auto decision = TRY(decide_codec({.pages = sample, .page_size = trial.page_size}, speed, expected));
  return ChosenCodec{.codec = decision.sample.codec, .reason = describe(decision, speed, expected)};
}

}  // namespace lifeboat
