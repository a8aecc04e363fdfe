// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/capture.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <iterator>

#include "capture/engine/locked_memory.h"
#include "capture/engine/pipeline.h"
#include "capture/engine/scan.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/sys.h"
#include "src/dump/elf_notes.h"
#include "src/dump/limits.h"
#include "src/vmcore/dump_kernel.h"
#include "src/vmcore/utsname.h"

namespace lifeboat {
namespace {

// What is known of the kernel; each part may be missing.
struct Source {
  explicit Source(Dump& opened) : dump(opened), memory(opened), kernel(view()) {}
  // Of the kernel's memory, for one thread.
  [[nodiscard]] Result<KernelMemory> view() const { return kernel_of(dump, memory); }

  Dump& dump;
  mutable LockedMemory memory;  // reading changes no contents
  Result<KernelMemory> kernel;
};

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

// What the source reports as left out.
int level_of(const Dump& source) {
  return source.info().dump_level.value_or(0) & kLevelAll;
}

KdumpWriterOptions writer_options(const Source& source, int level, const CaptureOptions& options) {
  const DumpInfo& info = source.dump.info();
  KdumpWriterOptions writer;
  writer.compression = options.compression.compression;
  writer.dump_level = level;
  writer.page_size = info.page_size;
  writer.max_pfn = info.max_pfn;
  writer.cpus = std::max(info.cpus, 1);
  writer.uts = info.uts;
  writer.timestamp_seconds = info.timestamp.value_or(0);
  writer.notes = info.notes;
  writer.source_incomplete = !info.whole();
  writer.make_space = options.make_space;
  ElfNotes notes(info.notes);
  while (const auto note = notes.next()) {
    if (note->name != "VMCOREINFO" || note->description.size() > kMaxVmcoreinfoBytes) continue;
    writer.vmcoreinfo_offset = note->description_offset;
    writer.vmcoreinfo_size = note->description.size();
  }
  if (source.kernel) {
    const Vmcoreinfo& vmcoreinfo = source.kernel->vmcoreinfo();
    const std::string_view offset_key = source.kernel->architecture().facts().image_offset_key;
    if (!offset_key.empty())
      writer.phys_base = static_cast<uint64_t>(vmcoreinfo.number(offset_key).value_or(0));
    writer.timestamp_seconds = vmcoreinfo.crash_time().value_or(writer.timestamp_seconds);
    if (auto uts = read_utsname(*source.kernel)) {
      writer.uts = *std::move(uts);
    } else {
      writer.uts.release = vmcoreinfo.release();
    }
  }
  if (writer.uts.machine.empty()) writer.uts.machine = info.machine;
  return writer;
}

Result<PageFilter> make_filter(const Source& source, int level, const CaptureOptions& options,
                               CaptureReport& report) {
  const auto& ram = source.dump.ram();
  const uint64_t max_pfn = source.dump.info().max_pfn;
  const PageSize page_size = source.dump.page_size();
  // Levels 0 and 1 look at contents only. Yet at every level poisoned pages must not be touched, so the
  // mem_map is used where there is one.
  const bool needs_kernel = (level & ~kLevelZero) != 0;
  auto filter = [&]() -> Result<PageFilter> {
    if (!source.kernel) return std::unexpected(source.kernel.error());
    return PageFilter::create(*source.kernel, ram, max_pfn, page_size, level);
  }();
  if (filter) {
    report.level = level;
    report.filtered = true;
    return filter;
  }
  if (needs_kernel && options.unfilterable == Unfilterable::fail) {
    Error error = std::move(filter).error().context(fmt::format("cannot filter at level {}", level));
    if (!error.fix.empty()) error.fix = "; " + error.fix;
    error.fix = "use --level 1 to save every page that is not zero" + error.fix;
    return std::unexpected(std::move(error));
  }
  if (needs_kernel) {
    report.warnings.push_back(
        fmt::format("nothing is filtered, every page is saved: {}", filter.error().to_string()));
  }
  report.level = level & kLevelZero;
  return PageFilter(ram, max_pfn, page_size);
}

// For people: why the dump is incomplete.
std::string why_incomplete(const DumpInfo& source, const CaptureReport& report) {
  std::string reason;
  if (report.lost_pages > 0)
    reason = fmt::format("{} of {} pages could not be read", report.lost_pages, report.pages.stored_pages);
  if (!source.whole()) reason += std::string(reason.empty() ? "" : "; ") + "the source dump is not whole";
  return reason;
}

// A smaller dump may fit: the target is full, or takes no larger file (EFBIG: vfat, a limit).
bool is_too_large(const Error& error) {
  return error.code == ErrorCode::no_space || error.sys_errno == EFBIG;
}

// Filters for more threads like the first one.
FilterMaker filters_like_first(const Source& source, int level, std::deque<KernelMemory>& views) {
  return [&source, level, &views]() -> Result<PageFilter> {
    const DumpInfo& info = source.dump.info();
    views.push_back(TRY(source.view()));
    auto filter =
        TRY(PageFilter::create(views.back(), source.dump.ram(), info.max_pfn, info.page_size, level));
    filter.exclude_missing_in(source.dump);
    return filter;
  };
}

// One attempt to write a dump: of one level.
class LevelCapture {
 public:
  LevelCapture(Source& source, int level, const CaptureOptions& options, Progress& progress)
      : source_(source), level_(level), options_(options), progress_(progress) {}

  Result<CaptureReport> run(int fd, const std::string& name) {
    auto filter = TRY(make_filter(source_, level_, options_, report_));
    filter.exclude_missing_in(source_.dump);
    report_.level |= level_of(source_.dump);
    auto writer = TRY(KdumpWriter::create(fd, name, writer_options(source_, report_.level, options_)));
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
    TRY_VOID(scan_into(filter, alone ? 1 : options_.threads, filters_like_first(source_, level_, views),
                       info.max_pfn, info.page_size, writer, progress_));
    report_.pages = filter.statistics();
    std::ranges::copy(filter.warnings(), std::back_inserter(report_.warnings));
    return {};
  }

  Result<> save(const PageFilter& filter, KdumpWriter& writer) {
    progress_.phase("save");
    TRY_VOID(writer.begin_pages(report_.pages.stored_pages));
    const DumpInfo& info = source_.dump.info();
    LeadingPages leading;
    if (options_.leading_pages)
      leading = TRY(LeadingPages::find(options_.leading_pages(), source_.memory, info.page_size, filter,
                                       writer, info.max_pfn));
    PageFeed feed(filter, writer, leading, info.max_pfn);
    const PipelineOptions options{
        .threads = options_.threads, .memory = options_.memory, .compression = options_.compression};
    const auto on_pages = [&](uint64_t pages) {
      progress_.update(info.page_size.bytes(pages), info.page_size.bytes(report_.pages.stored_pages));
    };
    const auto saved =
        TRY(save_pages(source_.memory, feed, leading, writer, info.page_size, options, on_pages));
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

  Source& source_;
  int level_;
  const CaptureOptions& options_;
  Progress& progress_;
  CaptureReport report_;
};

Result<CaptureReport> no_dump() {
  CaptureReport report;
  report.outcome = DumpOutcome::log_only;
  report.level = kNoDump;
  report.reason = "the dump level is 'none'";
  return report;
}

}  // namespace

Result<CaptureReport> capture_dump(Dump& dump, int fd, const std::string& name, const CaptureOptions& options,
                                   Progress& progress) {
  if (dump.info().max_pfn == 0) {
    return fail(ErrorCode::corrupt, "the source describes no memory at all");
  }
  Source source(dump);
  std::vector<std::string> warnings;
  for (size_t index = 0; index < options.levels.size(); ++index) {
    const int level = options.levels[index];
    auto report = level == kNoDump ? no_dump() : LevelCapture(source, level, options, progress).run(fd, name);
    progress.finish();
    if (report) {
      report->fell_back = index > 0;
      if (level == kNoDump && index > 0) report->reason = warnings.back();
      report->warnings.insert(report->warnings.begin(), warnings.begin(), warnings.end());
      if (dump.info().incomplete) {
        report->warnings.emplace_back(
            "the source dump is not whole: it is marked incomplete, or was cut off");
      }
      for (const auto& damage : dump.info().damage)
        report->warnings.push_back("the source dump is not whole: " + damage);
      return report;
    }
    const bool last = index + 1 == options.levels.size();
    if (!is_too_large(report.error()) || last) return report;
    warnings.push_back(fmt::format("no space left at level {}, trying level {}", level,
                                   level_name(options.levels[index + 1])));
    log::warning("{}", warnings.back());
    if (sys::ftruncate(fd, 0) != 0)
      return fail_errno("cannot empty {} to start again at the next dump level", name);
  }
  return fail(ErrorCode::usage, "no dump level is given");
}

Result<CaptureReport> capture_into(Dump& source, PendingFile& file, const std::string& name,
                                   const CaptureOptions& options, Progress& progress) {
  auto report = TRY(capture_dump(source, file.fd(), name, options, progress));
  if (report.outcome == DumpOutcome::whole) {
    TRY_VOID(file.publish(PendingFile::Content::dump));
  } else if (report.outcome == DumpOutcome::log_only) {
    file.discard();
  } else {
    TRY_VOID(file.sync_folder());
  }
  return report;
}

}  // namespace lifeboat
