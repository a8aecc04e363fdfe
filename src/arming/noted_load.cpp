// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/noted_load.h"

#include <ctime>

#include "src/arming/loaded_state.h"
#include "src/base/log.h"

namespace lifeboat::arming {
namespace {

Result<> note(const LoadRequest& request, const KernelFile& kernel, const LoadReport& report) {
  LoadedState state{.release = report.release,
                    .command_line = report.command_line,
                    .call = std::string(load_call_name(report.call)),
                    .time = static_cast<uint64_t>(std::time(nullptr))};
  // The bytes of an unwrapped kernel differ from the file on the disk.
  state.kernel =
      kernel.wrappers.empty() ? digest_bytes(kernel.name, kernel.bytes) : TRY(digest_file(kernel.name));
  for (const auto& path : request.initramfs) state.initramfs.push_back(TRY(digest_file(path)));
  return save_loaded_state(state);
}

}  // namespace

Result<LoadReport> load_and_note(const LoadRequest& request, const KernelFile& kernel,
                                 const SystemPaths& paths) {
  if (!request.crash) return load_kernel(request, kernel, paths);
  // The record must never describe another kernel than the loaded one: a process that is killed in between
  // leaves no record.
  const auto before = read_loaded_state();
  // Without the permission to remove it the load fails too, with a better message.
  if (const auto forgotten = forget_loaded_state();
      !forgotten && forgotten.error().code != ErrorCode::no_permission)
    return std::unexpected(forgotten.error());
  auto report = load_kernel(request, kernel, paths);
  Result<> noted;
  if (report) {
    noted = note(request, kernel, *report);
  } else if (before && read_system_state(paths).crash_loaded == true) {
    // The load failed before the kernel dropped the earlier one.
    noted = save_loaded_state(*before);
  }
  if (!noted) log::warning("cannot record what is loaded: {}", noted.error().to_string());
  return report;
}

Result<> unload_and_forget(bool crash, const SystemPaths& paths) {
  TRY_VOID(unload_kernel(crash, paths));
  return crash ? forget_loaded_state() : Result<>();
}

}  // namespace lifeboat::arming
