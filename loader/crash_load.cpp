// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/crash_load.h"

#include <cerrno>
#include <thread>

#include "base/sys.h"
#include "loader/load_checks.h"
#include "loader/obstacles.h"

namespace lifeboat {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// include/uapi/linux/kexec.h
enum FileLoadFlag : unsigned long { kUnload = 1, kOnCrash = 2, kNoInitramfs = 4 };

// The kernel has one lock for both kinds of image and never waits for it. Returns 0 or the errno.
int call_until_not_busy(const CheckedLoad* load, const std::string& command_line, unsigned long flags,
                        std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  for (;;) {
    const long status = sys::kexec_file_load(load != nullptr ? load->kernel.get() : -1,
                                             load != nullptr ? load->initramfs.get() : -1,
                                             command_line.size() + 1, command_line.c_str(), flags);
    if (status == 0) return 0;
    const int error_number = errno;
    const auto now = Clock::now();
    if (error_number != EBUSY || now >= deadline) return error_number;
    std::this_thread::sleep_for(std::min<Clock::duration>(100ms, deadline - now));
  }
}

// What became of the old image: a failed call may have freed it, or not have come that far.
std::string situation_after_failure(bool crash, const SystemState& before, const SystemState& after) {
  const auto& was = before.loaded(crash);
  const auto& is = after.loaded(crash);
  if (!crash) {
    if (is == true) return "the kernel loaded before is still there";
    return is == false ? "no kernel is loaded for the next reboot"
                       : "whether a kernel is loaded cannot be read";
  }
  if (is == true) return "the previous capture kernel is still loaded";
  if (!is) return "whether this machine is armed cannot be read";
  return was == true ? "this machine is now NOT armed: the previous capture kernel is gone"
                     : "this machine is NOT armed, as before";
}

Error load_failure(int error_number, const LoadRequest& request, const SystemState& before,
                   const SystemPaths& paths) {
  const SystemState after = read_system_state(paths);
  Error error = explain_load_error(error_number, after, request.crash);
  error.context(fmt::format("{}; loading {} failed", situation_after_failure(request.crash, before, after),
                            request.kernel));
  return error;
}

// The call succeeded; what the kernel says of itself is believed more.
Result<> confirm(bool crash, bool wanted, const SystemPaths& paths, std::vector<std::string>* warnings) {
  const SystemState after = read_system_state(paths);
  const auto& loaded = after.loaded(crash);
  if (loaded == wanted) return {};
  if (!loaded) {
    if (warnings != nullptr)
      warnings->emplace_back("whether the kernel is loaded now cannot be read from /sys");
    return {};
  }
  return std::unexpected(
      Error(ErrorCode::io, fmt::format("the call succeeded, but the running kernel says that {} is loaded{}",
                                       wanted ? "no kernel" : "a kernel still",
                                       wanted && crash ? ": this machine is NOT armed" : ""))
          .hint("another program may have changed it at the same time: try again"));
}

}  // namespace

Result<LoadReport> load_kernel(const LoadRequest& request, const SystemPaths& paths) {
  const SystemState before = read_system_state(paths);
  CheckedLoad load = TRY(check_load(request, before));
  const unsigned long flags = (request.crash ? kOnCrash : 0UL) |
                              (load.initramfs.valid() ? 0UL : static_cast<unsigned long>(kNoInitramfs));
  if (const int error = call_until_not_busy(&load, request.command_line, flags, request.busy_deadline);
      error != 0)
    return std::unexpected(load_failure(error, request, before, paths));
  TRY_VOID(confirm(request.crash, true, paths, &load.warnings));
  return LoadReport{.release = load.image.release(), .warnings = std::move(load.warnings)};
}

Result<> unload_kernel(bool crash, const SystemPaths& paths) {
  const SystemState before = read_system_state(paths);
  // A call would use up one of kernel.kexec_load_limit_*.
  if (before.loaded(crash) == false) return {};
  if (auto obstacles = unload_obstacles(before, crash); !obstacles.empty())
    return std::unexpected(std::move(obstacles.front()));
  const unsigned long flags = kUnload | (crash ? static_cast<unsigned long>(kOnCrash) : 0UL);
  if (const int error = call_until_not_busy(nullptr, {}, flags, LoadRequest{}.busy_deadline); error != 0)
    return std::unexpected(explain_load_error(error, before, crash).context("cannot unload the kernel"));
  return confirm(crash, false, paths, nullptr);
}

}  // namespace lifeboat
