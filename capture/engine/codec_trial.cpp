// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/codec_trial.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <optional>
#include <unordered_set>
#include <vector>

#include "capture/engine/codec_sampling.h"
#include "capture/engine/leading_pages.h"
#include "capture/engine/page_batch.h"
#include "capture/engine/page_feed.h"
#include "capture/engine/page_hash.h"
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

struct Sample {
  std::vector<std::byte> pages;  // those that are neither zero nor the same as another one of them
  uint64_t looked_at = 0;
};

// Some of the pages that will be stored, from all over them: 4 MiB.
Result<Sample> sample_stored_pages(const CodecTrial& trial) {
  constexpr uint64_t kSampleBytes = uint64_t{4} << 20;
  const uint64_t wanted = trial.page_size.frame(kSampleBytes);
  const uint64_t step = std::max<uint64_t>(trial.stored_pages / wanted, 1);
  const PageHash hash = page_hash();
  Sample sample;
  std::unordered_set<uint64_t> known;
  std::vector<std::byte> page(trial.page_size.bytes());
  const LeadingPages none;
  PageFeed feed(trial.filter, trial.writer, none, trial.max_pfn);
  PageBatch batch(trial.page_size);
  for (uint64_t number = 0; sample.looked_at < wanted;) {
    TRY_VOID(feed.fill(batch));
    if (batch.pages.empty()) break;
    for (const auto& each : batch.pages) {
      if (number++ % step != 0 || !trial.memory.read(trial.page_size.address(each.pfn), page)) continue;
      ++sample.looked_at;
      if (!is_zero_page(page) && known.insert(hash(page)).second)
        sample.pages.insert(sample.pages.end(), page.begin(), page.end());
    }
  }
  return sample;
}

}  // namespace

Result<ChosenCodec> try_codecs(const CodecTrial& trial, int fd, const std::string& name) {
  const auto speed = TRY(measure_file_speed(fd, name, kSpeedTrial));
  const auto sample = TRY(sample_stored_pages(trial));
  // Pages of zeros, and copies, take next to nothing.
  const uint64_t taken = trial.page_size.frame(sample.pages.size());
  const double share =
      static_cast<double>(taken) / static_cast<double>(std::max<uint64_t>(sample.looked_at, 1));
  const ExpectedCapture expected{
      .pages = static_cast<uint64_t>(static_cast<double>(trial.stored_pages) * share),
      .page_size = trial.page_size,
      .threads = trial.threads,
      .space = free_space(fd),
      .more_space = trial.more_space};
  const auto decision =
      TRY(decide_codec({.pages = sample.pages, .page_size = trial.page_size}, speed, expected));
  return ChosenCodec{.codec = decision.sample.codec, .reason = describe(decision, speed, expected)};
}

}  // namespace lifeboat
