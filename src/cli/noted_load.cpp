// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/cli/noted_load.h"

#include <ctime>

#include "src/arming/loaded_state.h"
#include "src/base/log.h"

namespace lifeboat::cli {
namespace {

Result<> note(const LoadRequest& request, const KernelFile& kernel, const LoadReport& report) {
  arming::LoadedState state{.release = report.release,
                            .command_line = report.command_line,
                            .call = std::string(load_call_name(report.call)),
                            .time = static_cast<uint64_t>(std::time(nullptr))};
  // What was unwrapped is not what lies on the disk.
  state.kernel = kernel.wrappers.empty() ? arming::digest_bytes(kernel.name, kernel.bytes)
                                         : TRY(arming::digest_file(kernel.name));
  for (const auto& path : request.initramfs) state.initramfs.push_back(TRY(arming::digest_file(path)));
  return arming::save_loaded_state(state);
}

}  // namespace

Result<LoadReport> load_and_note(const LoadRequest& request, const KernelFile& kernel,
                                 const SystemPaths& paths) {
  if (!request.crash) return load_kernel(request, kernel, paths);
  // At no instant may a note tell of another kernel than the loaded one: whoever is ended on the way leaves
  // none.
  const auto before = arming::read_loaded_state();
  // Who may not remove it may not load either, and is told so better by the load.
  if (const auto forgotten = arming::forget_loaded_state();
      !forgotten && forgotten.error().code != ErrorCode::no_permission)
    return std::unexpected(forgotten.error());
  auto report = load_kernel(request, kernel, paths);
  Result<> noted;
  if (report) {
    noted = note(request, kernel, *report);
  } else if (before && read_system_state(paths).crash_loaded == true) {
    // Refused before anything was given up.
    noted = arming::save_loaded_state(*before);
  }
  if (!noted) log::warning("cannot note what is loaded: {}", noted.error().to_string());
  return report;
}

Result<> unload_and_forget(bool crash, const SystemPaths& paths) {
  TRY_VOID(unload_kernel(crash, paths));
  return crash ? arming::forget_loaded_state() : Result<>();
}

}  // namespace lifeboat::cli
