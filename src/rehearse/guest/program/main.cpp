// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat-rehearsal-guest: /init of the virtual machine that `lifeboat rehearse` boots. It loads the capture
// kernel and crashes; when it cannot, it prints the reason and powers off.
#include <signal.h>
#include <unistd.h>

#include "capture/init/startup.h"
#include "capture/run/attempt.h"
#include "capture/run/capture_console.h"
#include "capture/run/final_action.h"
#include "capture/storage/target.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/rehearse/guest/rehearsal_guest.h"

namespace lifeboat::rehearse {
namespace {

Result<> run_guest() {
  const CapturePlan plan = TRY(CapturePlan::parse(TRY(read_text(kPlanPath))));
  const GuestPlan guest = TRY_CONTEXT(GuestPlan::parse(TRY(read_text(kGuestPlanPath))), "{}", kGuestPlanPath);
  capture::announce(guest_phase::kGuestStart);
  // In children: a driver may hang, and the machine must power off in any case.
  const auto limits = plan.capture.stall_deadline;
  capture::supervise("modules", limits, [&](capture::Heartbeat& heartbeat) {
    return capture::load_modules(plan.modules, heartbeat);
  });
  capture::supervise("rehearsal", limits,
                     [&](capture::Heartbeat& heartbeat) { return rehearse_crash(guest, plan, heartbeat); });
  capture::supervise("end", capture::kLeaveDeadline,
                     [](capture::Heartbeat&) { return capture::unmount_target(); });
  return fail(ErrorCode::io, "the guest did not crash");
}

}  // namespace
}  // namespace lifeboat::rehearse

int main() {
  using namespace lifeboat;
  if (::getpid() != 1) {
    log::error("lifeboat-rehearsal-guest runs only as PID 1 of a rehearsal's virtual machine");
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);  // a closed console must not end PID 1
  const auto failures = capture::mount_pseudo_file_systems();
  capture::setup_console();
  for (const auto& failure : failures) log::error("{}", failure);
  if (const auto result = rehearse::run_guest(); !result) log::error("{}", result.error().to_string());
  capture::announce(rehearse::guest_phase::kGuestFailed);
  capture::final_action(FinalAction::poweroff, "");
}
