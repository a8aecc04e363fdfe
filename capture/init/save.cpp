// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/init/save.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "base/log.h"
#include "base/size.h"
#include "capture/capture.h"
#include "capture/init/console.h"
#include "capture/init/save_report.h"
#include "capture/init/target.h"
#include "capture/store.h"
#include "kernel/printk.h"

namespace lifeboat::init {
namespace {

constexpr const char* kVmcore = "/proc/vmcore";
// Which folder is this crash's, for the child that runs after this one has ended or was killed.
constexpr const char* kCrashFolderNote = "/run/crash-folder";

Result<std::string> dead_kernel_log(Dump& source) {
  const auto memory = TRY(KernelMemory::create(source, source.info().vmcoreinfo));
  const auto log = TRY(read_kernel_log(memory));
  if (log.unreadable > 0) log::warning("{} log records could not be read", log.unreadable);
  return format_log(log);
}

// When the machine died, by its own word; else now, by the clock that survived it.
uint64_t crash_time(const Dump& source) {
  if (const auto info = Vmcoreinfo::parse(source.info().vmcoreinfo)) {
    if (const auto time = info->crash_time()) return *time;
  }
  return static_cast<uint64_t>(std::time(nullptr));
}

Result<CrashFolder> make_crash_folder(const Manifest& manifest, const Dump& source) {
  const UniqueFd root = TRY(open_file(kMountPoint, O_RDONLY | O_DIRECTORY));
  const UniqueFd store = TRY(open_folder_below(root.get(), manifest.target.path));
  CrashFolder folder = TRY(create_crash_folder(store.get(), crash_time(source)));
  const std::string path = fmt::format("{}/{}/{}", kMountPoint, manifest.target.path, folder.name);
  [[maybe_unused]] const auto noted = write_file_atomically(kCrashFolderNote, as_byte_span(path), 0600);
  log::info("crash folder: {}/{}", manifest.target.path, folder.name);
  return folder;
}

Result<> save_log(Dump& source, int folder_fd) {
  const std::string text = TRY_CONTEXT(dead_kernel_log(source), "the dead kernel's log");
  return write_small_file(folder_fd, kLogFile, text);
}

Result<> save_dump(const Manifest& manifest, Dump& source, int folder_fd, Heartbeat& heartbeat) {
  auto file = TRY(PendingFile::create(folder_fd, kIncompleteDumpFile, kDumpFile));
  const CaptureOptions options{
      .levels = manifest.levels,
      .compression = {manifest.compression, manifest.compression_level},
      .unfilterable = Unfilterable::keep_all,
  };
  const CaptureReport report = TRY(capture_dump(source, file.fd(), kDumpFile, options, heartbeat));
  for (const auto& warning : report.warnings) log::warning("{}", warning);
  log::info("dump: level {}, {} of {} pages ({} zero), {}", report.level, report.pages.stored_pages,
            report.pages.ram_pages, report.zero_pages, format_size(report.file_bytes));
  if (report.lost_pages > 0) {
    return fail(ErrorCode::lost, "{} pages could not be read; the dump stays marked incomplete",
                report.lost_pages);
  }
  return file.publish();
}

// The vmcore as it is, holes left as holes.
Result<> copy_elf(int folder_fd, Heartbeat& heartbeat) {
  heartbeat.phase("copy");
  const UniqueFd source = TRY(open_file(kVmcore, O_RDONLY));
  const UniqueFd dest = TRY(open_at(folder_fd, kElfFile, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  std::vector<std::byte> buffer(1_MiB);
  uint64_t offset = 0;
  for (;;) {
    const size_t count = TRY(pread_some(source.get(), offset, buffer, kVmcore));
    if (count == 0) break;
    const ByteSpan bytes = ByteSpan(buffer).first(count);
    const bool zero = std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
    if (!zero) TRY_VOID(pwrite_all(dest.get(), offset, bytes, kElfFile));
    offset += count;
    heartbeat.update(offset, 0);
  }
  if (::ftruncate(dest.get(), static_cast<off_t>(offset)) != 0) return fail_errno("cannot size {}", kElfFile);
  return sync_file(dest.get(), kElfFile);
}

}  // namespace

Result<> save_crash(const Manifest& manifest, Heartbeat& heartbeat) {
  heartbeat.phase("target");
  TRY_VOID(mount_target(manifest, heartbeat));
  announce(phase::kCaptureTarget);

  const auto source = TRY(Dump::open(kVmcore));
  const CrashFolder folder = TRY(make_crash_folder(manifest, *source));
  heartbeat.phase("log");
  if (const auto saved = save_log(*source, folder.fd.get())) {
    announce(phase::kCaptureLog);
  } else {
    // The dump may well succeed where the log did not, and the log is in it.
    log::error("{}: {}", kLogFile, saved.error().to_string());
  }
  if (save_report(kVmcore, folder.fd.get(), heartbeat)) announce(phase::kCaptureReport);
  TRY_VOID(save_dump(manifest, *source, folder.fd.get(), heartbeat));
  announce(phase::kCaptureDump);
  if (manifest.copy_elf) TRY_VOID(copy_elf(folder.fd.get(), heartbeat));
  return {};
}

Result<> save_capture_log() {
  const auto path = read_line(kCrashFolderNote);
  if (!path) return {};
  const UniqueFd folder = TRY(open_file(*path, O_RDONLY | O_DIRECTORY));
  const std::string text = TRY(read_text(kRunLog, 16_MiB));
  return write_small_file(folder.get(), kCaptureLogFile, text);
}

Result<> print_log_tail(Heartbeat& heartbeat) {
  constexpr size_t kLines = 60;
  heartbeat.phase("log on the console");
  const auto source = TRY(Dump::open(kVmcore));
  const std::string text = TRY(dead_kernel_log(*source));
  size_t start = text.size();
  for (size_t line = 0; line <= kLines && start != std::string::npos; ++line) {
    start = start == 0 ? std::string::npos : text.rfind('\n', start - 1);
  }
  const std::string_view tail = std::string_view(text).substr(start == std::string::npos ? 0 : start + 1);
  log::info("the end of the dead kernel's log:\n{}", tail);
  return {};
}

}  // namespace lifeboat::init
