// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/arming/needs.h"

#include <algorithm>
#include <utility>

#include "loader/load_architecture.h"
#include "loader/machine.h"
#include "loader/memory_encryption.h"
#include "src/arming/capture_kernel.h"
#include "src/arming/driver_memory.h"
#include "src/arming/initramfs_size.h"
#include "src/arming/stored_records.h"
#include "src/base/file.h"
#include "src/base/size.h"
#include "src/image/native_kernel.h"

namespace lifeboat::arming {
namespace {

// `cpus`: 0 in records that do not have it; such a capture kernel had one.
void add_use(std::vector<reservation::MeasuredUse>& uses, uint64_t reserved_kib, uint64_t lowest_kib,
             unsigned cpus, bool real, std::string source) {
  constexpr uint64_t kMax = UINT64_MAX / 1_KiB;
  if (reserved_kib == 0 || reserved_kib > kMax || lowest_kib > reserved_kib) return;
  uses.push_back({.reserved = reserved_kib * 1_KiB,
                  .lowest = lowest_kib * 1_KiB,
                  .cpus = std::max(cpus, 1u),
                  .real = real,
                  .source = std::move(source)});
}

// Older records have no capture_release: then the capture kernel was of the same release as the crashed one.
const std::string& captured_by(const CrashRecord& record) {
  return record.capture_release.empty() ? record.release : record.capture_release;
}

// Of this machine, with so many CPUs.
Result<reservation::EstimateInput> input_here(const config::Config& config, const NeedsRequest& request,
                                              const SystemPaths& paths, const CaptureCpus& cpus) {
  const CaptureKernel kernel = request.kernel.empty()
                                   ? TRY(capture_kernel(config))
                                   : CaptureKernel{request.kernel, TRY(kernel_release(request.kernel))};
  const Recipe recipe = TRY(make_recipe(config, {.release = kernel.release,
                                                 .module_folder = request.module_folder,
                                                 .init = request.init,
                                                 .host = request.host,
                                                 .running = {}}));
  // Without /proc only what the configuration appends is known.
  const std::string running = read_text(paths.proc + "/cmdline").value_or("");
  return needs_input(
      config, recipe, kernel.path,
      {.paths = paths,
       .command_line = capture_command_line(config, {.running = running,
                                                     .encryption = read_memory_encryption(paths).kind,
                                                     .cpus = cpus,
                                                     .append = {}}),
       .cpus = cpus.count});
}

}  // namespace

std::vector<reservation::MeasuredUse> measured_uses(const config::Config& config, const std::string& release,
                                                    const std::string& rehearsal_file) {
  std::vector<reservation::MeasuredUse> uses;
  for (const auto& [record, outcome, path] : stored_records(config)) {
    if (captured_by(record) != release) continue;
    if (!config.dump.log_only() && log_only_as_configured(outcome, record)) continue;
    add_use(uses, record.memory_reserved_kib, record.memory_lowest_kib, record.cpus, true, path);
  }
  const auto rehearsal = read_rehearsal(rehearsal_file);
  const bool comparable = rehearsal && (config.dump.log_only() || !rehearsal->log_only);
  if (comparable && rehearsal->release == release)
    add_use(uses, rehearsal->memory_reserved_kib, rehearsal->memory_lowest_kib, rehearsal->cpus,
            rehearsal->real, rehearsal_file);
  return uses;
}

Result<reservation::EstimateInput> needs_input(const config::Config& config, const Recipe& recipe,
                                               const std::string& kernel, const NeedsMachine& machine) {
  const NativeKernel image = TRY(NativeKernel::read(kernel));
  const InitramfsSize initramfs = TRY(initramfs_size(recipe));
  const uint64_t page_size = running_page_size();
  return reservation::EstimateInput{
      .page_size = page_size,
      .section_size = this_architecture().memory_section_size(page_size),
      .kernel_memory = image.memory_size,
      .initramfs_packed = initramfs.packed,
      .initramfs_unpacked = initramfs.unpacked,
      .drivers = TRY(driver_uses(recipe)),
      .bounce_buffers =
          reservation::bounce_buffers(machine.command_line, read_memory_encryption(machine.paths)),
      .cma = total_size(read_crash_cma(machine.paths.sys)),
      .elfcorehdr_size = read_system_state(machine.paths).elfcorehdr_size.value_or(0),
      .report = config.capture.report,
      .cpus = machine.cpus,
      .measured = measured_uses(config, recipe.release, machine.rehearsal_file),
  };
}

Result<reservation::Estimate> estimate_needs(const config::Config& config, const NeedsRequest& request,
                                             const SystemPaths& paths) {
  const CaptureCpus cpus = choose_cpus(config, {}, read_cpu_facts(config, paths), {});
  return reservation::estimate_reservation(TRY(input_here(config, request, paths, cpus)));
}

CaptureCpus cpus_for_load(const config::Config& config, const NeedsRequest& request, const SystemPaths& paths,
                          const std::string& append) {
  const FittingCpus fitting = [&](unsigned wanted) {
    const uint64_t reserved = read_system_state(paths).crash_size.value_or(0);
    const auto input = input_here(config, request, paths, {});
    // The load itself will report what prevents the estimate.
    if (!input) return 1u;
    return reservation::cpus_that_fit(*input, reserved + total_size(read_crash_cma(paths.sys)), wanted);
  };
  return choose_cpus(config, append, read_cpu_facts(config, paths), fitting);
}

}  // namespace lifeboat::arming
