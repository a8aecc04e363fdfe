// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/rehearse/this_machine.h"

#include "loader/memory_encryption.h"
#include "loader/obstacles.h"
#include "src/arming/capture_kernel.h"
#include "src/arming/kept_initramfs.h"
#include "src/arming/loaded_state.h"
#include "src/arming/needs.h"
#include "src/base/file.h"
#include "src/base/sys.h"
#include "src/rehearse/guest_hardware.h"

namespace lifeboat::rehearse {
namespace {

// As a load here would choose, or as many as are asked for; the boot CPU is the guest's.
arming::CaptureCpus cpus_in_guest(const config::Config& config, const RehearsalOptions& options,
                                  std::vector<std::string>& notes) {
  arming::CaptureCpus cpus = arming::cpus_for_load(config, {}, SystemPaths{});
  if (options.capture_cpus && cpus.choice == arming::CpuChoice::parameters) {
    notes.push_back(fmt::format("{} CPUs for the capture kernel as its command line has, instead of {}",
                                cpus.count, *options.capture_cpus));
  } else if (options.capture_cpus) {
    cpus.count = *options.capture_cpus;
  }
  cpus.boot_cpu = cpus.count > 1 ? guest_hardware().boot_cpu : std::string_view();
  return cpus;
}

}  // namespace

Result<> rehearse_this_machine(const config::Config& config, GuestReservation reservation,
                               RehearsalOptions& options, std::vector<std::string>& notes) {
  const auto kernel = TRY(arming::capture_kernel(config));
  options.kernel = kernel.path;
  options.module_folder = "/lib/modules/" + kernel.release;
  const arming::RecipeRequest request{
      .release = kernel.release, .module_folder = {}, .init = options.init, .host = {}, .running = {}};
  const arming::CaptureCpus cpus = cpus_in_guest(config, options, notes);
  options.capture_cpus = cpus.count;
  const std::string running = TRY(read_text("/proc/cmdline"));
  options.machine = {
      .initramfs = TRY_CONTEXT(
          arming::preview_initramfs(config, request, arming::initramfs_path(kernel.release), notes),
          "this machine"),
      .command_line =
          arming::capture_command_line(config, {.running = running,
                                                .encryption = read_memory_encryption(SystemPaths{}).kind,
                                                .cpus = cpus,
                                                .append = {}}),
      .syscall = config.capture.syscall,
  };
  const auto reserved = read_system_state(SystemPaths{}).crash_size;
  if (reservation == GuestReservation::as_here && reserved && *reserved >= 1_MiB)
    options.crashkernel = fmt::format("{}M", *reserved / 1_MiB);
  return {};
}

std::optional<std::string_view> option_that_differs(const std::function<bool(const std::string&)>& given) {
  for (const char* option : {"config", "init", "memory", "cpus", "capture-cpus", "cpu-model", "crashkernel",
                             "level", "compress", "disk-size", "timeout", "target-uuid"})
    if (given(option)) return option;
  return std::nullopt;
}

arming::RehearsalRecord rehearsal_record(const RehearsalResult& result, const MachineCapture& machine,
                                         uint64_t now) {
  return {.time = now,
          .release = result.release,
          .whole = result.whole,
          .log_only = result.succeeded() && !result.whole,
          .problem = result.problem,
          .initramfs_digest = arming::digest_bytes({}, machine.initramfs).digest,
          .memory_reserved_kib = result.memory_reserved_kib,
          .memory_total_kib = result.memory_total_kib,
          .memory_lowest_kib = result.memory_lowest_kib,
          .cpus = result.capture_cpus};
}

Result<> record_rehearsal(const RehearsalResult& result, const MachineCapture& machine, uint64_t now,
                          bool root, const std::string& path) {
  auto saved = arming::save_rehearsal(rehearsal_record(result, machine, now), path);
  if (!saved && !root) return {};
  return saved;
}

Result<> check_armed(const SystemPaths& paths) {
  const auto reasons = not_armed_because(read_system_state(paths));
  if (reasons.empty()) return {};
  return std::unexpected(
      Error(ErrorCode::unsupported, "rehearse: this machine is not armed: " + reasons.front().message)
          .hint(reasons.front().fix));
}

Error crash_this_machine(const RealPaths& paths, uint64_t now) {
  const std::string kernel = paths.system.proc + "/sys/kernel";
  const auto pending = arming::pending_rehearsal_of(
      now, read_line(kernel + "/random/boot_id").value_or(""), read_line(kernel + "/osrelease").value_or(""),
      arming::read_loaded_state(arming::loaded_state_file(paths.system.run)));
  // Before the crash, and synced: the next boot must know of it.
  if (auto saved = arming::save_pending_rehearsal(pending, paths.pending); !saved) return saved.error();
  sys::sync();
  // Root may write the trigger even when sysrq is disabled.
  const auto crashed = write_pseudo_file(paths.trigger(), "c");
  // The machine did not crash: the next boot must not look for a dump.
  const auto forgotten = arming::forget_pending_rehearsal(paths.pending);
  if (!crashed) return crashed.error();
  if (!forgotten) return forgotten.error();
  return Error(ErrorCode::io,
               fmt::format("the kernel did not crash after a write of 'c' to {}", paths.trigger()));
}

}  // namespace lifeboat::rehearse
