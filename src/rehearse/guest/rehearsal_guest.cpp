// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/rehearse/guest/rehearsal_guest.h"

#include <sched.h>
#include <unistd.h>

#include "capture/run/capture_console.h"
#include "capture/storage/target.h"
#include "loader/load.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/rehearse/guest/recorded_facts.h"

namespace lifeboat::rehearse {
namespace {

// As `lifeboat load` passes it to the capture kernel.
std::string boot_parameter() {
  const auto id = read_line("/proc/sys/kernel/random/boot_id");
  return id ? fmt::format(" {}{}", kBootParameter, *id) : "";
}

// sysrq panics on the CPU of the process that asks for it.
Result<> move_to_cpu(unsigned cpu) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  if (::sched_setaffinity(0, sizeof(cpus), &cpus) != 0) return fail_errno("cannot run on CPU {}", cpu);
  return {};
}

}  // namespace

Result<> rehearse_crash(const GuestPlan& guest, const CapturePlan& plan, capture::Heartbeat& heartbeat) {
  heartbeat.phase("target");
  TRY_VOID(capture::mount_target(plan.targets.front(), plan.capture.device_deadline, heartbeat));
  capture::announce(guest_phase::kGuestReady);

  const KernelFile kernel = TRY(read_kernel_file(capture::kMountPoint + guest.kernel));
  const LoadRequest request{
      .initramfs = {capture::kMountPoint + guest.initramfs},
      .command_line = guest.command_line + boot_parameter(),
      .crash = true,
      .call = guest.syscall,
  };
  const LoadReport loaded = TRY(load_kernel(request, kernel, SystemPaths{}));
  for (const auto& warning : loaded.warnings) log::warning("{}", warning);
  capture::announce(guest_phase::kGuestLoaded);

  // As late as possible, so that it records the state close to the crash.
  TRY_VOID(record_facts(fmt::format("{}{}", capture::kMountPoint, kFactsFolder)));
  TRY_VOID(capture::unmount_target());
  if (guest.panic_cpu) TRY_VOID(move_to_cpu(*guest.panic_cpu));
  capture::announce(guest_phase::kGuestPanic);
  capture::drain_console();  // or the panic's messages would cut this one in two
  TRY_VOID(write_pseudo_file("/proc/sysrq-trigger", "c"));
  ::sleep(10);
  return fail(ErrorCode::io, "the kernel did not panic on sysrq 'c'");
}

}  // namespace lifeboat::rehearse
