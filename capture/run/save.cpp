// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/save.h"

#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "capture/engine/capture.h"
#include "capture/engine/pipeline.h"
#include "capture/engine/workers.h"
#include "capture/run/capture_console.h"
#include "capture/run/disk_space.h"
#include "capture/run/memory_figure.h"
#include "capture/run/report_pages.h"
#include "capture/run/save_report.h"
#include "src/base/log.h"
#include "src/base/size.h"
#include "src/base/sys.h"
#include "src/store/crash_list.h"
#include "src/store/store.h"
#include "src/vmcore/dump_kernel.h"
#include "src/vmcore/printk.h"

namespace lifeboat::capture {
namespace {

Result<std::string> crashed_kernel_log(Dump& source) {
  const auto memory = TRY(kernel_of(source));
  const auto log = TRY(read_kernel_log(memory));
  if (log.unreadable > 0) log::warning("{} log records could not be read", log.unreadable);
  return format_log(log);
}

// The time of the crash from VMCOREINFO; else now, by the hardware clock.
uint64_t crash_time(const Dump& source) {
  if (const auto info = Vmcoreinfo::parse(source.info().vmcoreinfo)) {
    if (const auto time = info->crash_time()) return *time;
  }
  return static_cast<uint64_t>(std::time(nullptr));
}

// Seconds since this kernel started.
double uptime() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// The boot id that the crashed kernel passed on the command line.
std::string crashed_boot_id() {
  const std::string line = read_text("/proc/cmdline").value_or("");
  const auto at = line.find(kBootParameter);
  if (at == std::string::npos) return {};
  const auto begin = at + kBootParameter.size();
  return line.substr(begin, line.find_first_of(" \n\"", begin) - begin);
}

// The record of a crash that is being saved, noted at each step.
class Progressing {
 public:
  Progressing(Journal& journal, CrashRecord first) : record(std::move(first)), journal_(journal) {}
  void done(const char* step) {
    record.seconds[step] = uptime();
    journal_.note(record);
  }
  void problem(const Error& error) {
    record.problems.push_back(error.to_string());
    journal_.note(record);
  }
  CrashRecord record;

 private:
  Journal& journal_;
};

CrashRecord first_record(const Dump& source) {
  CrashRecord record{.crash_time = crash_time(source), .boot_id = crashed_boot_id()};
  record.release = source.info().uts.release;
  if (const auto info = Vmcoreinfo::parse(source.info().vmcoreinfo); info && record.release.empty())
    record.release = std::string(info->release());
  utsname running{};
  if (::uname(&running) == 0) record.capture_release = running.release;
  record.cpus = static_cast<unsigned>(std::max(::get_nprocs(), 0));
  return record;
}

Result<> save_log(Dump& source, int folder_fd) {
  const std::string text = TRY_CONTEXT(crashed_kernel_log(source), "the crashed kernel's log");
  return write_small_file(folder_fd, kLogFile, text);
}

// A third of what is available: the file system needs the rest for what is on its way to the disk.
size_t buffer_memory() {
  const uint64_t available = memory_figure("MemAvailable:", "/proc/meminfo");
  return std::clamp<uint64_t>(available / 3, smallest_pipeline_memory(), 64_MiB);
}

Result<> save_dump(const CapturePlan& plan, Dump& source, int folder_fd, const PageRecord* report_pages,
                   CrashRecord& record, DiskSpace& space, Heartbeat& heartbeat) {
  auto file = TRY(PendingFile::create(folder_fd, kIncompleteDumpFile, kDumpFile));
  const CaptureOptions options{
      .levels = plan.dump.level,
      .compression = plan.dump.compression,
      .unfilterable = Unfilterable::keep_all,
      .threads = usable_cpus(),
      .memory = buffer_memory(),
      .leading_pages =
          [&] {
            return report_pages != nullptr ? report_pages->checked(source.info().max_pfn)
                                           : std::vector<uint64_t>();
          },
      .make_space = [&space] { return space.take_oldest(); },
  };
  const CaptureReport report = TRY(capture_into(source, file, kDumpFile, options, heartbeat));
  for (const auto& warning : report.warnings) log::warning("{}", warning);
  record.fell_back = report.fell_back;
  record.dump = report.outcome;
  if (report.outcome == DumpOutcome::log_only) {
    record.problems.push_back(fmt::format("there is no dump: {}", report.reason));
    return {};
  }
  log::info("dump: level {}, {} of {} pages ({} zero, {} shared), {}, by {} threads", report.level,
            report.pages.stored_pages, report.pages.ram_pages, report.zero_pages, report.shared_pages,
            format_size(report.file_bytes), report.threads);
  record.level = report.level;
  record.compression = format_compression_choice(report.compression);
  record.dump_bytes = report.file_bytes;
  record.cpu_seconds = report.cpu_seconds();
  record.lost_pages = report.lost_pages;
  if (report.outcome != DumpOutcome::whole)
    record.problems.push_back(fmt::format("the dump is incomplete: {}", report.reason));
  return {};
}

// The result is that of the log, which has been logged and noted in either case: a dump may succeed although
// the log did not, and it contains the log.
Result<> save_log_and_report(const std::string& vmcore, Dump& source, int folder_fd, const CapturePlan& plan,
                             PageRecord* pages, Progressing& crash, Heartbeat& heartbeat) {
  heartbeat.phase("log");
  auto saved = save_log(source, folder_fd);
  if (saved) {
    announce(phase::kCaptureLog);
    crash.done("log");
  } else {
    log::error("{}: {}", kLogFile, saved.error().to_string());
    crash.problem(saved.error());
  }
  if (!plan.capture.report) return saved;
  if (save_report(vmcore, folder_fd, heartbeat, pages)) {
    announce(phase::kCaptureReport);
    crash.done("report");
  } else if (plan.dump.log_only()) {
    // Nothing can complete it later.
    crash.problem(Error(ErrorCode::lost, "there is no report, and no dump to make it from later"));
  }
  return saved;
}

// By the first level, or by the last one: CrashRecord::dump is the outcome. Without a dump the log must be
// there, whose result is `log`.
Result<> save_dump_or_none(const CapturePlan& plan, Dump& source, int folder_fd, const PageRecord* pages,
                           Progressing& crash, DiskSpace& space, Heartbeat& heartbeat, const Result<>& log) {
  if (plan.dump.log_only()) {
    if (!log) return log;
    crash.record.dump = DumpOutcome::log_only;
    log::info("no dump is saved: [dump] level is none");
    return {};
  }
  if (auto saved = save_dump(plan, source, folder_fd, pages, crash.record, space, heartbeat); !saved) {
    crash.problem(saved.error());
    return saved;
  }
  if (crash.record.dump != DumpOutcome::log_only || log) return {};
  // Nothing at all is saved here.
  crash.record.dump = DumpOutcome::failed;
  return log;
}

void check_time(Progressing& crash) {
  if (can_name_crash_folder(crash.record.crash_time)) return;
  crash.problem(
      Error(ErrorCode::corrupt, fmt::format("the crash time in VMCOREINFO ({}) is not valid; the folder is "
                                            "named after the time of the capture",
                                            crash.record.crash_time)));
  log::warning("{}", crash.record.problems.back());
}

std::string_view phase_of(DumpOutcome outcome) {
  switch (outcome) {
    case DumpOutcome::whole:
      return phase::kCaptureDump;
    case DumpOutcome::incomplete:
      return phase::kCaptureIncomplete;
    case DumpOutcome::log_only:
      return phase::kCaptureLogOnly;
    case DumpOutcome::failed:
      return phase::kCaptureFailed;
  }
  return phase::kCaptureFailed;
}

// The vmcore as it is, holes left as holes.
Result<> copy_elf(const std::string& vmcore, int folder_fd, Heartbeat& heartbeat) {
  heartbeat.phase("copy");
  const UniqueFd source = TRY(open_file(vmcore, O_RDONLY));
  const UniqueFd dest = TRY(open_at(folder_fd, kElfFile, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  std::vector<std::byte> buffer(1_MiB);
  uint64_t offset = 0;
  for (;;) {
    const size_t count = TRY(pread_some(source.get(), offset, buffer, vmcore));
    if (count == 0) break;
    const ByteSpan bytes = ByteSpan(buffer).first(count);
    const bool zero = std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
    if (!zero) TRY_VOID(pwrite_all(dest.get(), offset, bytes, kElfFile));
    offset += count;
    heartbeat.update(offset, 0);
  }
  if (sys::ftruncate(dest.get(), static_cast<off_t>(offset)) != 0)
    return fail_errno("cannot set the size of {}", kElfFile);
  return sync_file(dest.get(), kElfFile);
}

}  // namespace

Result<> save_into_store(const std::string& vmcore, int store_fd, const std::string& store_path,
                         const CapturePlan& plan, Journal& journal, Heartbeat& heartbeat) {
  const auto source = TRY(Dump::open(vmcore));
  Progressing crash(journal, first_record(*source));
  claim_store(store_fd, store_path);
  DiskSpace space(store_fd, heartbeat);
  space.make_small();
  const CrashFolder folder =
      TRY(create_crash_folder(store_fd, crash.record.crash_time, crash.record.boot_id));
  TRY_VOID(journal.begin(fmt::format("{}/{}", store_path, folder.name), crash.record));
  space.keep(folder.name);
  reserve_record(folder.fd.get(), crash.record);
  log::info("crash folder: {}", folder.name);
  check_time(crash);
  crash.done("target");

  // Without it the dump is in order of page frames.
  const auto shared = SharedPageRecord::create();
  PageRecord* pages = shared ? &shared->record() : nullptr;
  const auto log = save_log_and_report(vmcore, *source, folder.fd.get(), plan, pages, crash, heartbeat);
  TRY_VOID(save_dump_or_none(plan, *source, folder.fd.get(), pages, crash, space, heartbeat, log));
  announce(phase_of(crash.record.dump));
  // Without a dump, too: it is the last step.
  crash.done("dump");
  const bool complete = crash.record.dump == DumpOutcome::whole ||
                        (crash.record.dump == DumpOutcome::log_only && !crash.record.fell_back);
  if (complete) space.apply(plan.retention);
  if (!plan.copy_elf) return {};
  auto copied = copy_elf(vmcore, folder.fd.get(), heartbeat);
  if (!copied) crash.problem(copied.error());
  return copied;
}

Result<> print_log_tail(const std::string& vmcore, Heartbeat& heartbeat) {
  constexpr size_t kLines = 60;
  heartbeat.phase("log on the console");
  const auto source = TRY(Dump::open(vmcore));
  const std::string text = TRY(crashed_kernel_log(*source));
  size_t start = text.size();
  for (size_t line = 0; line <= kLines && start != std::string::npos; ++line) {
    start = start == 0 ? std::string::npos : text.rfind('\n', start - 1);
  }
  const std::string_view tail = std::string_view(text).substr(start == std::string::npos ? 0 : start + 1);
  log::info("the end of the crashed kernel's log:\n{}", tail);
  return {};
}

}  // namespace lifeboat::capture
