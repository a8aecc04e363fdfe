// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/load_checks.h"

#include <algorithm>
#include <cerrno>

#include "loader/handover.h"
#include "loader/initramfs_file.h"
#include "loader/load_architecture.h"
#include "loader/obstacles.h"
#include "src/base/size.h"

namespace lifeboat {
namespace {

Result<> check_command_line_text(const std::string& text) {
  if (text.find('\0') == text.npos && text.find('\n') == text.npos) return {};
  return std::unexpected(Error(ErrorCode::usage, "the command line holds a newline or a NUL")
                             .hint("give it as one line of text"));
}

Result<> check_command_line_length(const KernelFile& kernel, const std::string& text, uint64_t longest,
                                   bool crash) {
  if (text.size() <= longest) return {};
  return std::unexpected(
      Error(ErrorCode::usage,
            fmt::format("the command line has {} characters; {} takes {}{}", text.size(), kernel.name,
                        longest, crash ? " and what is appended for a crash" : ""))
          .hint("shorten it: give the whole line with --command-line"));
}

// How much of the reservation is left for a kernel that must begin at a multiple of its alignment.
uint64_t usable_reservation(const NativeKernel& kernel, const SystemState& state) {
  // With crashkernel=,high there are two; kernels are loaded into the last (crash_reservation()). Newer
  // kernels count both in kexec_crash_size.
  if (!state.crash_ranges || state.crash_ranges->empty()) return *state.crash_size;
  MemoryRange range = state.crash_ranges->back();
  range.end = range.begin + std::min(range.size(), *state.crash_size);
  if (kernel.alignment == 0 || range.begin > UINT64_MAX - kernel.alignment) return range.size();
  const uint64_t begin = align_up(range.begin, kernel.alignment);
  return begin < range.end ? range.end - begin : 0;
}

Result<> check_reservation(const NativeKernel& kernel, uint64_t initramfs_size, const SystemState& state) {
  if (!state.crash_size) return {};
  const uint64_t needed = crash_memory_needed(kernel, initramfs_size, state, running_page_size());
  const uint64_t usable = usable_reservation(kernel, state);
  if (needed <= usable) return {};
  return std::unexpected(
      Error(ErrorCode::no_space,
            fmt::format(
                "the crash reservation is too small: {} of its {} can be used, and at least {} are needed "
                "(kernel {}, initramfs {}, the rest tables)",
                format_size(usable), format_size(*state.crash_size), format_size(needed),
                format_size(kernel.memory_size), format_size(initramfs_size)))
          .hint("lifeboat reserve set auto, then reboot; or make the initramfs smaller"));
}

// Checks the files only, without the running kernel.
Result<CheckedLoad> check_files(const LoadRequest& request, const KernelFile& kernel) {
  CheckedLoad load;
  load.command_line = request.command_line ? *request.command_line : kernel.command_line.value_or("");
  TRY_VOID(check_command_line_text(load.command_line));
  load.release = TRY(this_architecture().check_kernel(kernel, request.crash));
  load.initramfs = TRY(open_initramfs(request.initramfs, kernel, load.initramfs_size));
  if (!load.initramfs.valid() && request.crash) {
    load.warnings.emplace_back(
        "no initramfs: unless the kernel has one built in, no dump is saved after a crash");
  }
  return load;
}

// Kexec Handover: a reboot must not lose the memory that is preserved for it, unless the user has asked for
// that call by name.
Result<> keep_handover(const LoadRequest& request, const SystemState& state, CheckedLoad& load) {
  if (request.crash || state.handover.empty() || !load.by_segments) return {};
  if (request.call == LoadCall::segments && !request.call_is_implied) {
    load.warnings.push_back(handover_is_lost(state));
    return {};
  }
  Error why = handover_forbids_segments(state);
  if (load.by_file) {
    load.no_segments = std::move(why);
    return {};
  }
  return std::unexpected(std::move(why).context(
      "kexec_file_load(2) cannot load this kernel, or not with these options (--mem-min, --mem-max, "
      "--no-checks)"));
}

// Memory that is preserved for a reboot is nothing to a capture kernel. But some kernels pass the data about
// it to every kernel that is loaded by kexec_file_load(2); a capture kernel then fails before its first
// program, because the data lie outside of its memory (kho_fill_kimage(), since commit d7255959b69a, until
// a6715d7ec472). A running kernel does not show which it does; kexec_load(2) never passes them.
void avoid_handover(const LoadRequest& request, const SystemState& state, CheckedLoad& load) {
  if (!request.crash || state.handover.empty() || !load.by_file) return;
  if (load.by_segments && !load.no_segments) {
    load.prefers_segments = true;
    load.warnings.push_back(fmt::format(
        "Kexec Handover (KHO) is on ({}), and some kernels pass its data by kexec_file_load(2) to a "
        "capture kernel, which then does not start: loading it with kexec_load(2)",
        state.handover));
    return;
  }
  load.warnings.push_back(fmt::format(
      "Kexec Handover (KHO) is on ({}), and some kernels pass its data by kexec_file_load(2) to a capture "
      "kernel, which then does not start: boot with kho=off, or test it with 'lifeboat rehearse --real'",
      state.handover));
}

// kexec_file_load(2) supports one format, and has no parameters for limits on the address, or for leaving out
// the check.
bool file_is_possible(const LoadRequest& request, const KernelFile& kernel, const SystemState& state) {
  if (request.call == LoadCall::segments || kernel.kind != native_format().kind) return false;
  if (request.call == LoadCall::file) return true;
  const bool placed = request.memory_min != 0 || request.memory_max != UINT64_MAX;
  return !placed && (request.verify || wants_signature(state));
}

// Selects the possible calls. A call that cannot succeed would free the old image.
Result<> choose_calls(const LoadRequest& request, const KernelFile& kernel, const SystemState& state,
                      CheckedLoad& load) {
  load.by_file = file_is_possible(request, kernel, state);
  if (request.call == LoadCall::file && !load.by_file) {
    return std::unexpected(
        Error(ErrorCode::unsupported,
              fmt::format("kexec_file_load(2) loads no ELF kernel, and {} is one", kernel.name), ENOEXEC)
            .hint("omit --syscall, or use --syscall segments"));
  }
  load.by_segments = request.call != LoadCall::file;
  // Two calls may be one too many: the first would use the limit up, and free the old image.
  if (load.by_file && load.by_segments && state.load_limit(request.crash) == 1) {
    load.by_segments = false;
    load.warnings.push_back(
        fmt::format("kernel.kexec_load_limit_{} leaves one load: if kexec_file_load(2) refuses this kernel, "
                    "kexec_load(2) is not tried",
                    request.crash ? "panic" : "reboot"));
  }
  if (!wants_signature(state)) return keep_handover(request, state, load);
  if (!load.by_segments) return {};
  // kexec_load(2) passes no file whose signature could be checked: lockdown forbids it (kernel/kexec.c).
  if (!load.by_file) return std::unexpected(segments_forbidden(state));
  load.by_segments = false;
  return {};
}

void add_state_warnings(const LoadRequest& request, const SystemState& state, CheckedLoad& load) {
  if (wants_signature(state)) {
    load.warnings.emplace_back(
        "this machine is locked down: the kernel needs a signature that the running kernel trusts");
  }
  if (request.crash && !state.crash_size) {
    load.warnings.emplace_back(
        "cannot read how much memory is reserved for a capture kernel: whether the kernel fits is not "
        "checked before the load");
  }
}

Result<> check_file_load(const LoadRequest& request, const KernelFile& kernel, const SystemState& state,
                         const CheckedLoad& load) {
  const NativeKernel native = TRY(NativeKernel::parse(kernel.bytes, kernel.name));
  const uint64_t appended = this_architecture().file_load_appends(request.crash);
  const uint64_t longest =
      native.longest_command_line > appended ? native.longest_command_line - appended : 0;
  TRY_VOID(check_command_line_length(kernel, load.command_line, longest, request.crash));
  return request.crash ? check_reservation(native, load.initramfs_size, state) : Result<>();
}

// A plan must fail before the call, not after it. A plan that may not be needed is made without digests,
// which take the longest, and not kept: the running kernel needs the memory for its own copies.
Result<> check_plan(const LoadRequest& request, const KernelFile& kernel, const SystemPaths& paths,
                    CheckedLoad& load) {
  LoadRequest wanted = request;
  if (load.by_file) wanted.verify = false;
  auto plan = plan_checked_load(wanted, kernel, load, paths);
  if (!plan && !load.by_file) return std::unexpected(std::move(plan).error());
  if (!plan) {
    load.no_segments = std::move(plan).error();
  } else if (!load.by_file) {
    load.plan = *std::move(plan);
  }
  return {};
}

}  // namespace

uint64_t crash_memory_needed(const NativeKernel& kernel, uint64_t initramfs_size, const SystemState& state,
                             uint64_t page_size) {
  // Besides the two files: ELF core headers, purgatory, the boot parameters, and in older
  // kernels a copy of low memory. The sum of these was below 1 MiB on all tested machines.
  const uint64_t tables = 1_MiB + std::max<uint64_t>(state.elfcorehdr_size.value_or(0), 64_KiB);
  return align_up(kernel.memory_size, page_size) + align_up(initramfs_size, page_size) + tables;
}

Result<CheckedLoad> check_load(const LoadRequest& request, const KernelFile& kernel, const SystemState& state,
                               const SystemPaths& paths) {
  if (auto obstacles = load_obstacles(state, request.crash); !obstacles.empty())
    return std::unexpected(std::move(obstacles.front()));
  CheckedLoad load = TRY(check_files(request, kernel));
  TRY_VOID(choose_calls(request, kernel, state, load));
  if (load.by_file) TRY_VOID(check_file_load(request, kernel, state, load));
  if (load.by_segments && !load.no_segments) TRY_VOID(check_plan(request, kernel, paths, load));
  avoid_handover(request, state, load);
  add_state_warnings(request, state, load);
  return load;
}

Result<LoadPlan> plan_checked_load(const LoadRequest& request, const KernelFile& kernel,
                                   const CheckedLoad& load, const SystemPaths& paths) {
  std::vector<std::byte> initramfs(load.initramfs_size);
  if (load.initramfs.valid()) TRY_VOID(pread_exact(load.initramfs.get(), 0, initramfs, "the initramfs"));
  const LoadArchitecture& architecture = this_architecture();
  const Machine machine = TRY(read_machine(paths, architecture));
  return architecture.plan({.kernel = kernel,
                            .initramfs = initramfs,
                            .command_line = load.command_line,
                            .crash = request.crash,
                            .memory_min = request.memory_min,
                            .memory_max = request.memory_max,
                            .verify = request.verify},
                           machine, paths);
}

Result<LoadPlan> dry_run(const LoadRequest& request, const KernelFile& kernel, const SystemPaths& paths) {
  const SystemState state = read_system_state(paths);
  // Neither plan could be carried out, whoever asks for it.
  if (auto obstacle = xen_obstacle(state.xen)) return std::unexpected(*std::move(obstacle));
  CheckedLoad load = TRY(check_files(request, kernel));
  load.by_segments = true;
  // Where a real load could not be made either, the reason is that of the real load.
  if (!request.crash && !state.handover.empty() && file_is_possible(request, kernel, state))
    return std::unexpected(handover_hides_segments(state));
  TRY_VOID(keep_handover(request, state, load));
  LoadPlan plan = TRY(plan_checked_load(request, kernel, load, paths));
  plan.warnings.insert(plan.warnings.begin(), load.warnings.begin(), load.warnings.end());
  for (const auto& obstacle : load_obstacles(state, request.crash))
    plan.warnings.push_back(obstacle.to_string());
  if (request.call == LoadCall::segments && wants_signature(state))
    plan.warnings.push_back(segments_forbidden(state).to_string());
  return plan;
}

}  // namespace lifeboat
