// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/capture.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "capture/engine/bitmap.h"
#include "capture/engine/pipeline.h"
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
  Dump& dump;
  Result<KernelMemory> kernel;
};

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

Result<> write_bitmaps(PageFilter& filter, const DumpInfo& source, KdumpWriter& writer, Progress& progress) {
  const uint64_t max_pfn = source.max_pfn, bytes = source.page_size.address(max_pfn);
  progress.phase("scan");
  ChunkBits bits;
  for (uint64_t first = 0; first < max_pfn; first += kChunkPages) {
    if (!filter.has_ram(first)) continue;  // a hole in the file: its bits read as zeros
    TRY_VOID(filter.scan(first, bits));
    TRY_VOID(writer.write_ram_bits(first, bits.ram));
    TRY_VOID(writer.write_stored_bits(first, bits.stored));
    progress.update(std::min(source.page_size.address(first + kChunkPages), bytes), bytes);
  }
  return {};
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

// Feeds batches through the stages.
class PageWriter {
 public:
  PageWriter(Dump& source, KdumpWriter& writer, PageCompressor* compressor, uint32_t flags,
             CaptureReport& report, Progress& progress)
      : source_(source),
        writer_(writer),
        compressor_(compressor),
        flags_(flags),
        report_(report),
        progress_(progress),
        batch_(source.page_size()) {}

  Result<> add(uint64_t pfn) {
    batch_.pages.push_back({.pfn = pfn});
    return batch_.full() ? flush() : Result<>();
  }

  Result<> flush() {
    report_.lost_pages += read_batch(source_, batch_, first_error_);
    TRY_VOID(compress_batch(batch_, compressor_));
    for (const auto& page : batch_.pages) report_.zero_pages += page.kind == PageBatch::Kind::zero ? 1 : 0;
    TRY_VOID(write_batch(batch_, flags_, writer_));
    done_ += batch_.pages.size();
    batch_.clear();
    const PageSize page_size = batch_.page_size;
    progress_.update(page_size.bytes(done_), page_size.bytes(report_.pages.stored_pages));
    return {};
  }

  [[nodiscard]] const std::string& first_error() const { return first_error_; }

 private:
  Dump& source_;
  KdumpWriter& writer_;
  PageCompressor* compressor_;
  uint32_t flags_;
  CaptureReport& report_;
  Progress& progress_;
  PageBatch batch_;
  std::string first_error_;
  uint64_t done_ = 0;
};

Result<> write_pages(const PageFilter& filter, uint64_t max_pfn, KdumpWriter& writer, PageWriter& pages) {
  std::vector<std::byte> bits;
  for (uint64_t first = 0; first < max_pfn; first += kChunkPages) {
    if (!filter.has_ram(first)) continue;
    const uint64_t count = std::min(kChunkPages, max_pfn - first);
    bits.resize(divide_up(count, 8));
    TRY_VOID(writer.read_stored_bits(first, bits));
    for (uint64_t bit = 0; bit < count; ++bit) {
      if (bits[bit / 8] == std::byte{0}) {
        bit |= 7;  // eight pages at once: most of a filtered machine
      } else if (test_bit(bits, bit)) {
        TRY_VOID(pages.add(first + bit));
      }
    }
  }
  return pages.flush();
}

Result<CaptureReport> capture_at_level(Source& source, int fd, const std::string& name, int level,
                                       const CaptureOptions& options, Progress& progress) {
  CaptureReport report;
  const uint64_t max_pfn = source.dump.info().max_pfn;
  auto filter = TRY(make_filter(source, level, options, report));
  filter.exclude_missing_in(source.dump);
  report.level |= level_of(source.dump);
  std::unique_ptr<PageCompressor> compressor;
  if (options.compression.compression != Compression::none) {
    compressor = TRY(PageCompressor::create(options.compression.compression, options.compression.level));
  }
  auto writer = TRY(KdumpWriter::create(fd, name, writer_options(source, report.level, options)));
  const auto written = [&]() -> Result<DumpOutcome> {
    TRY_VOID(write_bitmaps(filter, source.dump.info(), writer, progress));
    report.pages = filter.statistics();
    std::ranges::copy(filter.warnings(), std::back_inserter(report.warnings));

    progress.phase("save");
    TRY_VOID(writer.begin_pages(report.pages.stored_pages));
    PageWriter pages(source.dump, writer, compressor.get(), kdump_codec_flag(options.compression.compression),
                     report, progress);
    TRY_VOID(write_pages(filter, max_pfn, writer, pages));
    if (report.lost_pages > 0) {
      report.warnings.push_back(
          fmt::format("{} pages could not be read ({})", report.lost_pages, pages.first_error()));
    }
    progress.phase("sync");
    return writer.finish();
  }();
  if (!written) {
    writer.abandon();
    return std::unexpected(written.error());
  }
  report.outcome = *written;
  if (report.outcome != DumpOutcome::whole) report.reason = why_incomplete(source.dump.info(), report);
  report.file_bytes = writer.bytes_written();
  return report;
}

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
  Source source{dump, kernel_of(dump)};
  std::vector<std::string> warnings;
  for (size_t index = 0; index < options.levels.size(); ++index) {
    const int level = options.levels[index];
    auto report = level == kNoDump ? no_dump() : capture_at_level(source, fd, name, level, options, progress);
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
