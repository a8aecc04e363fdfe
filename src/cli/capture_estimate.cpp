// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/capture_estimate.h"

#include <algorithm>
#include <set>

#include "src/base/size.h"

namespace lifeboat::cli {
namespace {

constexpr int kAllLevels = 32;

double seconds(uint64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e9;
}

// Of the pages that were looked at.
std::string average(const ClassEstimate& found) {
  const uint64_t with_data = found.sampled - found.zero;
  if (found.sampled == 0) return "not looked at";
  return fmt::format("{:3.0f} % zero, {} a page",
                     100.0 * static_cast<double>(found.zero) / static_cast<double>(found.sampled),
                     with_data == 0 ? 0 : found.packed_bytes / with_data);
}

}  // namespace

void print_estimate(const DumpEstimate& estimate, const std::vector<int>& levels,
                    const CompressionChoice& compression) {
  for (const auto& warning : estimate.warnings) fmt::print("note: {}\n", warning);
  fmt::print("{:<14} {:>12} {:>10}  compressed ({})\n", "class", "pages", "memory",
             format_compression_choice(compression));
  for (size_t index = 0; index < kPageClasses; ++index) {
    const ClassEstimate& found = estimate.classes[index];
    if (found.pages == 0) continue;
    fmt::print("{:<14} {:>12} {:>10}  {}\n", page_class_name(static_cast<PageClass>(index)), found.pages,
               format_size(estimate.page_size.bytes(found.pages)), average(found));
  }
  fmt::print("\n{:<6} {:>12} {:>10} {:>10} {:>16}\n", "level", "pages", "memory", "dump", "codec, 1 thread");
  std::set<int> shown = {0, 1, 3, 7, 15, 31};
  shown.insert(levels.begin(), levels.end());
  for (const int level : shown) {
    if (level == kNoDump) continue;
    fmt::print("{:<6} {:>12} {:>10} {:>10} {:>14.1f} s\n", level, estimate.pages_at(level),
               format_size(estimate.page_size.bytes(estimate.pages_at(level))),
               format_size(estimate.bytes_at(level)), estimate.codec_seconds_at(level));
  }
}

nlohmann::ordered_json estimate_json(const DumpEstimate& estimate, const CompressionChoice& compression) {
  nlohmann::ordered_json classes = nlohmann::ordered_json::array(), levels = nlohmann::ordered_json::array();
  for (size_t index = 0; index < kPageClasses; ++index) {
    const ClassEstimate& found = estimate.classes[index];
    classes.push_back({{"class", page_class_name(static_cast<PageClass>(index))},
                       {"pages", found.pages},
                       {"bytes", estimate.page_size.bytes(found.pages)},
                       {"sampled_pages", found.sampled},
                       {"sampled_zero_pages", found.zero},
                       {"sampled_compressed_bytes", found.packed_bytes}});
  }
  for (int level = 0; level < kAllLevels; ++level) {
    levels.push_back({{"level", level},
                      {"pages", estimate.pages_at(level)},
                      {"dump_bytes", estimate.bytes_at(level)},
                      {"codec_seconds", estimate.codec_seconds_at(level)}});
  }
  return {{"filtered", estimate.filtered},
          {"compression", format_compression_choice(compression)},
          {"page_size", estimate.page_size.bytes()},
          {"ram_pages", estimate.ram_pages},
          {"scanned_part", estimate.scanned_part},
          {"scan_seconds", estimate.scan_seconds},
          {"threads", estimate.threads},
          {"classes", classes},
          {"levels", levels},
          {"warnings", estimate.warnings}};
}

void print_times(const CaptureReport& report) {
  const StageTimes& times = report.times;
  fmt::print(
      "\nscan {:.3f} s, save {:.3f} s, sync {:.3f} s; {} threads: read {:.3f} s, compare {:.3f} s, compress "
      "{:.3f} s, write {:.3f} s\n",
      report.scan_seconds, report.save_seconds, report.sync_seconds, report.threads, seconds(times.read),
      seconds(times.compare), seconds(times.compress), seconds(times.write));
}

nlohmann::ordered_json times_json(const CaptureReport& report) {
  const StageTimes& times = report.times;
  return {{"scan", report.scan_seconds},       {"save", report.save_seconds},
          {"sync", report.sync_seconds},       {"read", seconds(times.read)},
          {"compare", seconds(times.compare)}, {"compress", seconds(times.compress)},
          {"write", seconds(times.write)}};
}

}  // namespace lifeboat::cli
