// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/load.h"

#include <cerrno>
#include <new>

#include "loader/handover.h"
#include "loader/kexec_calls.h"
#include "loader/load_checks.h"
#include "loader/load_lock.h"
#include "loader/obstacles.h"

namespace lifeboat {
namespace {

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

// With ON_CRASH the old capture kernel is freed before the new kernel file is read (kernel/kexec_file.c). So
// where a capture kernel could be lost, the running kernel is asked about the file first, whether or not a
// lockdown is seen: a kernel may require signatures without one (CONFIG_KEXEC_SIG_FORCE). Returns 0 or the
// errno of a refusal.
int ask_first(const LoadRequest& request, const KernelFile& kernel, const CheckedLoad& load,
              const SystemState& state, std::vector<std::string>& warnings) {
  const bool something_to_lose = state.crash_loaded != false || load.prefers_segments;
  if (!request.crash || !something_to_lose) return 0;
  // Kernels without this setting have no limit. The last permitted loads are not spent on questions.
  if (state.normal_load_limit.value_or(-1) >= 0) {
    if (wants_signature(state) || state.signature_forced == true)
      warnings.emplace_back(
          "kernel.kexec_load_limit_reboot is set: the signature was not checked before the load");
    return 0;
  }
  bool loaded = false;
  const int error_number = ask_about_file(kernel.fd.get(), request.busy_deadline, loaded);
  if (loaded && (state.normal_loaded != false || call_unload(false, request.busy_deadline) != 0)) {
    warnings.emplace_back(
        "the kernel was also loaded for a normal kexec, to check its signature: run 'lifeboat unload'");
  }
  return error_number;
}

// kexec_load(2) checks no signature: it may be used where only kexec_file_load(2) requires one.
bool could_load_by_segments(const LoadRequest& request, const KernelFile& kernel, const CheckedLoad& load,
                            const SystemPaths& paths) {
  // Read again: the failed call may have used up a limit.
  if (!segments_permitted(read_system_state(paths), request.crash)) return false;
  if (load.by_segments) return !load.no_segments;
  LoadRequest wanted = request;
  wanted.verify = false;  // without digests, which take the longest
  return plan_checked_load(wanted, kernel, load, paths).has_value();
}

Error explain_file_error(int error_number, const LoadRequest& request, const KernelFile& kernel,
                         const CheckedLoad& load, const SystemState& before, const SystemPaths& paths) {
  Error why = explain_load_error(error_number, LoadCall::file, before, request.crash);
  if (is_signature_refusal(error_number) && could_load_by_segments(request, kernel, load, paths))
    why.fix += fmt::format("; {}", load_without_signature_fix(request.crash));
  return why;
}

// True: loaded by kexec_file_load(2). False: it does not support this kernel; try kexec_load(2).
Result<bool> try_file(const LoadRequest& request, const KernelFile& kernel, const CheckedLoad& load,
                      const SystemState& before, const SystemPaths& paths,
                      std::vector<std::string>& warnings) {
  int error_number = ask_first(request, kernel, load, before, warnings);
  if (error_number == 0 && load.prefers_segments) return false;
  if (error_number == 0) {
    error_number = call_file_load({.kernel_fd = kernel.fd.get(),
                                   .initramfs_fd = load.initramfs.get(),
                                   .command_line = load.command_line},
                                  request.crash, request.busy_deadline);
  }
  if (error_number == 0) return true;
  Error why = explain_file_error(error_number, request, kernel, load, before, paths);
  if (!load.by_segments || !may_fall_back(error_number)) return std::unexpected(std::move(why));
  if (load.no_segments) {
    why.message += fmt::format("; kexec_load(2) cannot be used either: {}", load.no_segments->message);
    if (!load.no_segments->fix.empty()) why.fix += "; " + load.no_segments->fix;
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
  const int error_number = call_segment_load(plan, request.crash, request.busy_deadline);
  if (error_number == 0) return plan;
  return std::unexpected(explain_load_error(error_number, LoadCall::segments, before, request.crash));
}

}  // namespace

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
    auto by_file = try_file(request, kernel, load, before, paths, report.warnings);
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
  const int error = call_unload(crash, limit);
  if (error != 0) {
    return std::unexpected(
        explain_load_error(error, LoadCall::file, before, crash).context("cannot unload the kernel"));
  }
  return confirm(crash, false, paths, nullptr);
}

}  // namespace lifeboat
