// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/load.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <new>
#include <thread>

#include "loader/load_architecture.h"
#include "loader/load_checks.h"
#include "loader/load_lock.h"
#include "loader/obstacles.h"
#include "src/base/sys.h"

namespace lifeboat {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// include/uapi/linux/kexec.h
enum FileFlag : unsigned long { kFileUnload = 1, kFileOnCrash = 2, kFileNoInitramfs = 4 };
enum SegmentFlag : unsigned long { kOnCrash = 1, kUpdateElfcorehdr = 4 };

// The kernel has one lock for both kinds of image and never waits for it. Returns 0 or the errno.
int call_until_not_busy(const std::function<long()>& call, std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  for (;;) {
    if (call() == 0) return 0;
    const int error_number = errno;
    const auto now = Clock::now();
    if (error_number != EBUSY || now >= deadline) return error_number;
    std::this_thread::sleep_for(std::min<Clock::duration>(100ms, deadline - now));
  }
}

int load_file(const LoadRequest& request, const KernelFile& kernel, const CheckedLoad& load) {
  unsigned long flags = 0;
  if (request.crash) flags |= kFileOnCrash;
  if (!load.initramfs.valid()) flags |= kFileNoInitramfs;
  return call_until_not_busy(
      [&] {
        return sys::kexec_file_load(kernel.fd.get(), load.initramfs.get(), load.command_line.size() + 1,
                                    load.command_line.c_str(), flags);
      },
      request.busy_deadline);
}

// The errnos of a load with a bad or missing signature (kernel/kexec_file.c, crypto/asymmetric_keys).
bool is_refusal(int error_number) {
  constexpr int kRefusals[] = {EPERM, EACCES, EKEYREJECTED, ENOKEY, ENODATA, EBADMSG, ELIBBAD};
  return std::ranges::find(kRefusals, error_number) != std::end(kRefusals);
}

// With ON_CRASH the old capture kernel is freed before the new one's signature is checked; a normal load
// frees nothing before (kernel/kexec_file.c). So where signatures are required, and a capture kernel could be
// lost, the file is first loaded as for a normal kexec, and unloaded again. Not when that would replace a
// kernel, or use up a limit. Returns 0 or the errno of a refusal: other errors may not occur with the
// reservation.
int probe_signature(const LoadRequest& request, const KernelFile& kernel, const SystemState& state,
                    std::vector<std::string>& warnings) {
  const bool limited = state.normal_load_limit.value_or(0) >= 0;
  if (!request.crash || !wants_signature(state) || state.crash_loaded != true ||
      state.normal_loaded != false || limited)
    return 0;
  const auto limit = request.busy_deadline;
  const int error_number = call_until_not_busy(
      [&] { return sys::kexec_file_load(kernel.fd.get(), -1, 1, "", kFileNoInitramfs); }, limit);
  if (error_number != 0) return is_refusal(error_number) ? error_number : 0;
  if (call_until_not_busy([] { return sys::kexec_file_load(-1, -1, 1, "", kFileUnload); }, limit) != 0) {
    warnings.emplace_back(
        "the kernel was also loaded for a normal kexec, to check its signature, and cannot be unloaded: "
        "run 'lifeboat unload'");
  }
  return 0;
}

int load_segments(const LoadRequest& request, const LoadPlan& plan) {
  std::vector<sys::KexecSegment> segments;
  for (const auto& segment : plan.segments)
    segments.push_back({segment.bytes.data(), segment.bytes.size(), segment.address, segment.memory_size});
  unsigned long flags = this_architecture().kexec_flag();
  if (request.crash) flags |= kOnCrash;
  if (plan.kernel_updates_core_headers) flags |= kUpdateElfcorehdr;
  return call_until_not_busy(
      [&] { return sys::kexec_load(plan.entry, segments.size(), segments.data(), flags); },
      request.busy_deadline);
}

// The errors of kexec_file_load(2) that do not mean that the kernel itself is bad: the call does not exist,
// or does not support this format. Never EPERM, and never an errno for a refused signature.
bool may_fall_back(int error_number) {
  return error_number == ENOSYS || error_number == ENOEXEC || error_number == EINVAL ||
         error_number == ENOTSUP;
}

// The state of the old image: a failed call may or may not have freed it.
std::string situation_after_failure(bool crash, const SystemState& before, const SystemState& after) {
  const auto& was = before.loaded(crash);
  const auto& is = after.loaded(crash);
  if (!crash) {
    if (is == true) return "the previous kernel is still loaded";
    return is == false ? "no kernel is loaded for the next reboot" : "cannot read whether a kernel is loaded";
  }
  if (is == true) return "the previous capture kernel is still loaded";
  if (!is) return "cannot read whether a capture kernel is loaded";
  return was == true ? "NO capture kernel is loaded now: the previous one was unloaded"
                     : "NO capture kernel is loaded, as before";
}

// The error `why` of a failed call, with the resulting state of the machine.
Error load_failure(Error why, const LoadRequest& request, const KernelFile& kernel, const SystemState& before,
                   const SystemPaths& paths) {
  const SystemState after = read_system_state(paths);
  return std::move(why).context(fmt::format(
      "{}; loading {} failed", situation_after_failure(request.crash, before, after), kernel.name));
}

// The call succeeded; but the state in /sys decides.
Result<> confirm(bool crash, bool wanted, const SystemPaths& paths, std::vector<std::string>* warnings) {
  const SystemState after = read_system_state(paths);
  const auto& loaded = after.loaded(crash);
  if (loaded == wanted) return {};
  if (!loaded) {
    if (warnings != nullptr) warnings->emplace_back("cannot read from /sys whether the kernel is loaded now");
    return {};
  }
  return std::unexpected(
      Error(ErrorCode::io, fmt::format("the call succeeded, but the kernel reports that {} is loaded{}",
                                       wanted ? "no kernel" : "a kernel",
                                       wanted && crash ? ": a crash would not be captured" : ""))
          .hint("try again: another program may have changed it at the same time"));
}

// True: loaded by kexec_file_load(2). False: it does not support this kernel; try kexec_load(2).
Result<bool> try_file(const LoadRequest& request, const KernelFile& kernel, const CheckedLoad& load,
                      const SystemState& before, std::vector<std::string>& warnings) {
  int error_number = probe_signature(request, kernel, before, warnings);
  if (error_number == 0) error_number = load_file(request, kernel, load);
  if (error_number == 0) return true;
  Error why = explain_load_error(error_number, LoadCall::file, before, request.crash);
  if (!load.by_segments || !may_fall_back(error_number)) return std::unexpected(std::move(why));
  if (load.no_segments) {
    why.message += fmt::format("; kexec_load(2) cannot be used either: {}", load.no_segments->message);
    return std::unexpected(std::move(why));
  }
  warnings.push_back(
      fmt::format("kexec_file_load(2) refuses it ({}); loading it with kexec_load(2)", why.message));
  return false;
}

Result<LoadPlan> make_plan(const LoadRequest& request, const KernelFile& kernel, CheckedLoad& load,
                           const SystemPaths& paths) {
  if (load.plan) return *std::move(load.plan);
  // This is after a call that may have freed the old image: every error must report the state of the machine.
  try {
    return plan_checked_load(request, kernel, load, paths);
  } catch (const std::bad_alloc&) {
    return std::unexpected(
        errno_error(ENOMEM, "no memory for the parts of the kernel").hint("free memory, and try again"));
  }
}

Result<LoadPlan> load_by_segments(const LoadRequest& request, const KernelFile& kernel, CheckedLoad& load,
                                  const SystemState& before, const SystemPaths& paths) {
  LoadPlan plan = TRY(make_plan(request, kernel, load, paths));
  const int error_number = load_segments(request, plan);
  if (error_number == 0) return plan;
  return std::unexpected(explain_load_error(error_number, LoadCall::segments, before, request.crash));
}

}  // namespace

Result<LoadCall> parse_load_call(std::string_view name) {
  for (const auto call : {LoadCall::automatic, LoadCall::file, LoadCall::segments}) {
    if (name == load_call_name(call)) return call;
  }
  return std::unexpected(Error(ErrorCode::usage, fmt::format("'{}' is not a system call to load with", name))
                             .hint("use auto, file (kexec_file_load) or segments (kexec_load)"));
}

std::string_view load_call_name(LoadCall call) {
  switch (call) {
    case LoadCall::automatic:
      return "auto";
    case LoadCall::file:
      return "file";
    case LoadCall::segments:
      return "segments";
  }
  return "unknown";
}

Result<LoadReport> load_kernel(const LoadRequest& request, const KernelFile& kernel,
                               const SystemPaths& paths) {
  return load_kernel(request, kernel, paths, TRY(lock_loads(paths, request.busy_deadline)));
}

Result<LoadReport> load_kernel(const LoadRequest& request, const KernelFile& kernel, const SystemPaths& paths,
                               const LoadLock& /*held*/) {
  const SystemState before = read_system_state(paths);
  CheckedLoad load = TRY(check_load(request, kernel, before, paths));
  LoadReport report{
      .release = load.release, .command_line = load.command_line, .warnings = std::move(load.warnings)};
  const auto failed = [&](Error why) {
    return std::unexpected(load_failure(std::move(why), request, kernel, before, paths));
  };
  bool done = false;
  if (load.by_file) {
    auto by_file = try_file(request, kernel, load, before, report.warnings);
    if (!by_file) return failed(std::move(by_file).error());
    done = *by_file;
  }
  if (!done) {
    auto plan = load_by_segments(request, kernel, load, before, paths);
    if (!plan) return failed(std::move(plan).error());
    report.call = LoadCall::segments;
    report.command_line = plan->command_line;
    report.warnings.insert(report.warnings.end(), plan->warnings.begin(), plan->warnings.end());
  }
  TRY_VOID(confirm(request.crash, true, paths, &report.warnings));
  return report;
}

Result<> unload_kernel(bool crash, const SystemPaths& paths) {
  return unload_kernel(crash, paths, TRY(lock_loads(paths, LoadRequest{}.busy_deadline)));
}

Result<> unload_kernel(bool crash, const SystemPaths& paths, const LoadLock& /*held*/) {
  const auto limit = LoadRequest{}.busy_deadline;
  const SystemState before = read_system_state(paths);
  // A call would use up one of kernel.kexec_load_limit_*.
  if (before.loaded(crash) == false) return {};
  if (auto obstacles = unload_obstacles(before, crash); !obstacles.empty())
    return std::unexpected(std::move(obstacles.front()));
  unsigned long file_flags = kFileUnload;
  if (crash) file_flags |= kFileOnCrash;
  int error = call_until_not_busy([&] { return sys::kexec_file_load(-1, -1, 1, "", file_flags); }, limit);
  // No segments at all: the other call's way to unload, for a kernel that has only that one.
  if (error == ENOSYS) {
    unsigned long flags = this_architecture().kexec_flag();
    if (crash) flags |= kOnCrash;
    error = call_until_not_busy([&] { return sys::kexec_load(0, 0, nullptr, flags); }, limit);
  }
  if (error != 0) {
    return std::unexpected(
        explain_load_error(error, LoadCall::file, before, crash).context("cannot unload the kernel"));
  }
  return confirm(crash, false, paths, nullptr);
}

}  // namespace lifeboat
