// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/level_capture.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <iterator>
#include <new>

#include "capture/engine/codec_trial.h"
#include "capture/engine/dump_header.h"
#include "capture/engine/leading_pages.h"
#include "capture/engine/page_feed.h"
#include "capture/engine/pipeline.h"
#include "capture/engine/scan.h"
#include "capture/engine/workers.h"
#include "src/base/log.h"

namespace lifeboat {
namespace {

// Levels 0 and 1 look at contents only.
bool needs_kernel(int level) {
  return (level & ~kLevelZero) != 0;
}

Result<PageFilter> make_filter(CaptureSource& source, int level, const CaptureOptions& options,
                               CaptureReport& report) {
  const auto& ram = source.dump.ram();
  const uint64_t max_pfn = source.dump.info().max_pfn;
  const PageSize page_size = source.dump.page_size();
  // At every level poisoned pages must not be touched, so the mem_map is used where there is one.
  auto filter = [&]() -> Result<PageFilter> {
    if (!source.kernel) return std::unexpected(source.kernel.error());
    return PageFilter::create(*source.kernel, ram, max_pfn, page_size, level);
  }();
  if (filter) {
    report.level = level;
    report.filtered = true;
    if (!needs_kernel(level)) {
      filter->keep(source.leading_ranges, source.leading_ranges);
      return filter;
    }
    const EssentialPages& essential = source.essential_pages();
    filter->keep(essential.ranges, source.leading_ranges);
    std::ranges::copy(essential.warnings, std::back_inserter(report.warnings));
    return filter;
  }
  if (needs_kernel(level) && options.unfilterable == Unfilterable::fail) {
    Error error = std::move(filter).error().context(fmt::format("cannot filter at level {}", level));
    if (!error.fix.empty()) error.fix = "; " + error.fix;
    error.fix = "use --level 1 to save every page that is not zero" + error.fix;
    return std::unexpected(std::move(error));
  }
  if (needs_kernel(level)) {
    report.warnings.push_back(
        fmt::format("nothing is filtered, every page is saved: {}", filter.error().to_string()));
  }
  report.level = level & kLevelZero;
  return PageFilter(ram, max_pfn, page_size);
}

// Filters for more threads like the first one.
FilterMaker filters_like_first(const CaptureSource& source, int level, std::deque<KernelMemory>& views) {
  return [&source, level, &views]() -> Result<PageFilter> {
    const DumpInfo& info = source.dump.info();
    views.push_back(TRY(source.view()));
    auto filter =
        TRY(PageFilter::create(views.back(), source.dump.ram(), info.max_pfn, info.page_size, level));
    filter.exclude_missing_in(source.dump);
    filter.keep(needs_kernel(level) ? source.essential->ranges : source.leading_ranges,
                source.leading_ranges);
    return filter;
  };
}

// The second bitmap, where the writer keeps it.
class WrittenBits final : public StoredBits {
 public:
  explicit WrittenBits(KdumpWriter& writer) : writer_(writer) {}
  Result<> read(uint64_t first_pfn, MutableByteSpan bits) override {
    return writer_.read_stored_bits(first_pfn, bits);
  }
  Result<> write(uint64_t first_pfn, ByteSpan bits) override {
    return writer_.write_stored_bits(first_pfn, bits);
  }

 private:
  KdumpWriter& writer_;
};

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

// For people: why the dump is incomplete.
std::string why_incomplete(const DumpInfo& source, const CaptureReport& report) {
  std::string reason;
  if (report.lost_pages > 0)
    reason = fmt::format("{} of {} pages could not be read", report.lost_pages, report.pages.stored_pages);
  if (!source.whole()) reason += std::string(reason.empty() ? "" : "; ") + "the source dump is not whole";
  return reason;
}

// One attempt to write a dump: of one level.
class LevelCapture {
 public:
  LevelCapture(CaptureSource& source, int level, const CaptureOptions& options, Progress& progress)
      : source_(source), level_(level), options_(options), progress_(progress) {}

  Result<CaptureReport> run(int fd, const std::string& name) {
    auto filter = TRY(make_filter(source_, level_, options_, report_));
    filter.exclude_missing_in(source_.dump);
    report_.level |= source_.level();
    report_.page_size = source_.dump.info().page_size;
    fd_ = fd;
    name_ = name;
    KdumpWriterOptions header = dump_header(source_, report_.level, options_);
    if (options_.drop_memmap && report_.filtered && needs_kernel(level_)) {
      mem_map_ = MemMapPages::of_stored_pages;
      header.mem_map_left_out = true;
    }
    auto writer = TRY(KdumpWriter::create(fd, name, header));
    const auto written = write(filter, writer);
    if (!written) {
      writer.abandon();
      return std::unexpected(written.error());
    }
    report_.outcome = *written;
    if (report_.outcome != DumpOutcome::whole) report_.reason = why_incomplete(source_.dump.info(), report_);
    report_.file_bytes = writer.bytes_written();
    return std::move(report_);
  }

 private:
  Result<DumpOutcome> write(PageFilter& filter, KdumpWriter& writer) {
    const auto begin = Clock::now();
    TRY_VOID(scan(filter, writer));
    const auto scanned = Clock::now();
    TRY_VOID(save(filter, writer));
    const auto saved = Clock::now();
    progress_.phase("sync");
    auto outcome = writer.finish();
    report_.scan_seconds = seconds_between(begin, scanned);
    report_.save_seconds = seconds_between(scanned, saved);
    report_.sync_seconds = seconds_between(saved, Clock::now());
    return outcome;
  }

  Result<> scan(PageFilter& filter, KdumpWriter& writer) {
    progress_.phase("scan");
    const DumpInfo& info = source_.dump.info();
    // A source that is asked for each page is asked by one thread.
    const bool alone = !report_.filtered || !source_.dump.parallel_reads();
    std::deque<KernelMemory> views;
    const uint64_t chunks = info.ram_pages / kChunkPages + 1;
    report_.scan_threads =
        alone ? 1 : static_cast<unsigned>(std::min<uint64_t>({options_.threads, usable_cpus(), chunks}));
    TRY_VOID(scan_into(filter, alone ? 1 : options_.threads, filters_like_first(source_, level_, views),
                       info.max_pfn, info.page_size, writer, progress_));
    WrittenBits stored(writer);
    TRY_VOID(filter.leave_out_more(stored, mem_map_));
    report_.pages = filter.statistics();
    std::ranges::copy(filter.warnings(), std::back_inserter(report_.warnings));
    return {};
  }

  Result<> save(const PageFilter& filter, KdumpWriter& writer) {
    progress_.phase("save");
    TRY_VOID(writer.begin_pages(report_.pages.stored_pages));
    const DumpInfo& info = source_.dump.info();
    TRY_VOID(choose_compression(filter, writer));
    LeadingPages leading;
    if (!source_.leading.empty())
      leading = TRY(
          LeadingPages::find(source_.leading, source_.memory, info.page_size, filter, writer, info.max_pfn));
    PageFeed feed(filter, writer, leading, info.max_pfn);
    const auto on_pages = [&](uint64_t pages) {
      progress_.update(info.page_size.bytes(pages), info.page_size.bytes(report_.pages.stored_pages));
    };
    const auto saved =
        TRY(save_pages(source_.memory, feed, leading, writer, info.page_size, pipeline_options(), on_pages));
    report_.threads = saved.threads;
    report_.zero_pages = saved.pages.zero_pages;
    report_.shared_pages = saved.pages.shared_pages;
    report_.lost_pages = saved.pages.lost_pages;
    report_.times = saved.pages.times;
    if (report_.lost_pages > 0) {
      report_.warnings.push_back(
          fmt::format("{} pages could not be read ({})", report_.lost_pages, saved.pages.first_error));
    }
    return {};
  }

  [[nodiscard]] PipelineOptions pipeline_options() const {
    return {.threads = options_.threads, .memory = options_.memory, .compression = report_.compression};
  }

  Result<ChosenCodec> measured_codec(const CodecTrial& trial) const {
    try {
      return try_codecs(trial, fd_, name_);
    } catch (const std::bad_alloc&) {
      return std::unexpected(errno_error(ENOMEM, "no memory is left to measure codecs"));
    }
  }

  // The one that was asked for; or, with `auto`, the one that finishes first on this machine and target.
  Result<> choose_compression(const PageFilter& filter, KdumpWriter& writer) {
    report_.compression = options_.compression;
    if (!options_.compression.automatic) return {};
    progress_.phase("measure");
    const DumpInfo& info = source_.dump.info();
    const CodecTrial trial{.memory = source_.memory,
                           .filter = filter,
                           .writer = writer,
                           .max_pfn = info.max_pfn,
                           .stored_pages = report_.pages.stored_pages,
                           .page_size = info.page_size,
                           .threads = std::min(usable_cpus(), planned_threads(pipeline_options())),
                           .more_space = options_.make_space != nullptr};
    if (auto chosen = measured_codec(trial)) {
      report_.compression = chosen->codec;
      report_.compression_reason = std::move(chosen->reason);
      log::info("compression: {}", report_.compression_reason);
    } else {
      // A measurement that fails is no reason to have no dump.
      report_.compression = {};
      report_.compression_reason =
          fmt::format("{}, not measured: {}", format_compression_choice({}), chosen.error().to_string());
      report_.warnings.push_back("compression: " + report_.compression_reason);
    }
    progress_.phase("save");
    return writer.set_compression(report_.compression.compression);
  }

  CaptureSource& source_;
  int level_;
  const CaptureOptions& options_;
  Progress& progress_;
  int fd_ = -1;
  std::string name_;
  MemMapPages mem_map_ = MemMapPages::all;
  CaptureReport report_;
};

}  // namespace

Result<CaptureReport> capture_at_level(CaptureSource& source, int level, int fd, const std::string& name,
                                       const CaptureOptions& options, Progress& progress) {
  return LevelCapture(source, level, options, progress).run(fd, name);
}

}  // namespace lifeboat
