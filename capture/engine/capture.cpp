// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/capture.h"

#include <cerrno>
#include <new>

#include "capture/engine/capture_source.h"
#include "capture/engine/level_capture.h"
#include "src/base/log.h"
#include "src/base/sys.h"

namespace lifeboat {
namespace {

// A smaller dump may fit: the target is full, or takes no larger file (EFBIG: vfat, a limit).
bool is_too_large(const Error& error) {
  return error.code == ErrorCode::no_space || error.sys_errno == EFBIG;
}

Result<CaptureReport> no_dump() {
  CaptureReport report;
  report.outcome = DumpOutcome::log_only;
  report.level = kNoDump;
  report.reason = "the dump level is 'none'";
  return report;
}

}  // namespace

double CaptureReport::cpu_seconds() const {
  const uint64_t nanoseconds = times.read + times.compare + times.compress;
  return scan_seconds * scan_threads + static_cast<double>(nanoseconds) / 1e9;
}

namespace {

Result<CaptureReport> capture_levels(Dump& dump, int fd, const std::string& name,
                                     const CaptureOptions& options, Progress& progress) {
  if (dump.info().max_pfn == 0) {
    return fail(ErrorCode::corrupt, "the source describes no memory at all");
  }
  CaptureSource source(dump);
  if (options.leading_pages) source.lead_with(options.leading_pages());
  std::vector<std::string> warnings;
  for (size_t index = 0; index < options.levels.size(); ++index) {
    const int level = options.levels[index];
    auto report = level == kNoDump ? no_dump() : capture_at_level(source, level, fd, name, options, progress);
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

}  // namespace

Result<CaptureReport> capture_dump(Dump& dump, int fd, const std::string& name, const CaptureOptions& options,
                                   Progress& progress) {
  try {
    return capture_levels(dump, fd, name, options, progress);
  } catch (const std::bad_alloc&) {
    return std::unexpected(
        errno_error(ENOMEM, "no memory is left for the capture")
            .hint("reserve more for the capture kernel (lifeboat reserve set); or use --threads 1, "
                  "a smaller --memory"));
  }
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
