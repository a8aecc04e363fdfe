// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/engine/capture_file.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "src/base/file.h"
#include "src/base/log.h"
#include "src/dump/levels.h"
#include "src/vmcore/dump_kernel.h"

namespace lifeboat {
namespace {

bool lost_at_reboot(const std::string& path) {
  struct statfs status{};
  return ::statfs(path.c_str(), &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

// All but zero pages is found by what the kernel notes about each page.
bool needs_kernel(int level) {
  return level != kNoDump && (level & ~kLevelZero) != 0;
}

// What the operator can do about a dump that does not fit.
void add_hint(Error& error) {
  if (error.code == ErrorCode::no_space)
    error.hint("free disk space, choose another file system, or leave out more pages with a higher --level");
  if (error.sys_errno == EFBIG) {
    error.hint(
        "the file system or a limit (ulimit -f) allows no larger file: choose another file system, raise the "
        "limit, or leave out more pages with a higher --level");
  }
}

}  // namespace

Result<Destination> open_destination(const std::string& dest) {
  const std::filesystem::path path(dest);
  Destination to{.folder_path = path.has_parent_path() ? path.parent_path().string() : ".",
                 .folder = UniqueFd(),
                 .name = path.filename().string()};
  if (to.name.empty() || to.name == "." || to.name == "..")
    return fail(ErrorCode::usage, "capture: {} is not the name of a file", dest);
  to.folder = TRY_CONTEXT(open_file(to.folder_path, O_RDONLY | O_DIRECTORY), "the folder of {}", dest);
  return to;
}

Result<CaptureReport> capture_file(Dump& source, const std::string& source_name, const std::string& dest,
                                   const CaptureOptions& options, Progress& progress) {
  // Memory that changes while it is saved does not give a consistent dump.
  if (source.info().live()) {
    return std::unexpected(
        Error(ErrorCode::unsupported,
              fmt::format("{} is the memory of the running kernel, which changes while it is saved",
                          source_name))
            .hint(fmt::format("read it with 'lifeboat inspect {}'", source_name)));
  }
  // Before anything is written.
  if (std::ranges::any_of(options.levels, needs_kernel)) TRY_VOID(check_machine(source, source_name));
  const Destination to = TRY(open_destination(dest));
  auto file = TRY(PendingFile::create(to.folder.get(), to.name + kIncompleteSuffix, to.name));
  auto report = capture_into(source, file, dest, options, progress);
  if (report) return report;
  add_hint(report.error());
  if (lost_at_reboot(source_name)) {
    log::warning("the pages that were saved are in {}/{}, marked incomplete", to.folder_path,
                 file.pending_name());
  } else {
    file.discard();
  }
  return report;
}

}  // namespace lifeboat
