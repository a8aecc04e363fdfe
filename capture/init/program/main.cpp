// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat-init: PID 1 of the capture kernel.
//
// Whatever fails, it ends with the final action. It waits for no input; a shell only as the final action.
#include <signal.h>
#include <unistd.h>

#include "capture/init/save_to_target.h"
#include "capture/init/startup.h"
#include "capture/plan/capture_plan.h"
#include "capture/run/attempt.h"
#include "capture/run/capture_console.h"
#include "capture/run/final_action.h"
#include "capture/run/journal.h"
#include "capture/run/memory_watch.h"
#include "capture/run/save.h"
#include "capture/run/supervise.h"
#include "capture/run/watchdog.h"
#include "capture/storage/target.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/process.h"

namespace lifeboat::capture {
namespace {

Result<CapturePlan> read_plan() {
  auto text = read_text(kPlanPath);
  if (!text && text.error().code == ErrorCode::not_found) text = read_text(kOldPlanPath);
  std::vector<std::string> unknown;
  auto plan = CapturePlan::parse(TRY(text), &unknown);
  for (const auto& key : unknown) log::warning("unknown key '{}' in the plan is ignored", key);
  return plan;
}

// PID 1's work, step by step.
class Pid1 {
 public:
  FinalAction run() {
    const auto mount_failures = mount_pseudo_file_systems();
    setup_console();
    start_memory_watch();
    for (const auto& failure : mount_failures) log::error("{}", failure);

    const bool crashed = ::access(kVmcore, F_OK) == 0;
    auto plan = read_plan();
    if (!plan) {
      log::error("{}", plan.error().to_string());
      announce(phase::kCaptureFailed);
      return FinalAction::reboot;
    }
    plan_ = *std::move(plan);
    announce(phase::kCaptureStart);
    // In a child: a driver may hang on a device in the state that the crash left it in. What is loaded by
    // then stays.
    ChildLimits loading = limits();
    // The crashed kernel's watchdog keeps running; it is fed as soon as its driver is loaded.
    if (crashed && plan_.capture.watchdog) loading.on_wait = [this] { watchdogs_.start(plan_.watchdogs); };
    supervise("modules", loading,
              [&](Heartbeat& heartbeat) { return load_modules(plan_.modules, heartbeat); });
    bool done = false;
    if (crashed) {
      done = capture();
    } else {
      log::error("there is no /proc/vmcore: this kernel was not started by a crash");
      announce(phase::kCaptureFailed);
    }
    announce(phase::kCaptureEnd);
    const FinalAction action = done ? plan_.final.action : plan_.failure.action;
    // These may last; a reboot that hangs is what a watchdog is for.
    if (action == FinalAction::halt || action == FinalAction::shell) watchdogs_.stop();
    return action;
  }
  [[nodiscard]] const std::string& shell() const { return plan_.shell; }

 private:
  [[nodiscard]] ChildLimits limits() const {
    return {.stall = plan_.capture.stall_deadline, .total = {}, .on_wait = [this] { watchdogs_.feed(); }};
  }

  bool capture() {
    if (plan_.capture.watchdog) {
      watchdogs_.start(plan_.watchdogs);
      watchdogs_.start_old();
    }
    std::vector<AttemptTarget> targets;
    for (const auto& target : plan_.targets) {
      const auto save = [this, &target](Journal& journal, Heartbeat& heartbeat) {
        return save_to_target(plan_, target, journal, heartbeat);
      };
      targets.push_back({.save = save, .leave = unmount_target});
    }
    Journal journal;
    const AttemptResult end = attempt_capture(
        plan_, targets, journal,
        {.log_file = kRunLog,
         .on_wait = [this] { watchdogs_.feed(); },
         .last_resort = [](Heartbeat& heartbeat) { return print_log_tail(kVmcore, heartbeat); },
         .problems = [this] { return watchdogs_.problems(); }});
    return ends_capture(end.outcome);
  }

  CapturePlan plan_;
  Watchdogs watchdogs_;
};

}  // namespace
}  // namespace lifeboat::capture

int main() {
  if (::getpid() != 1) {
    lifeboat::log::error("lifeboat-init runs only as PID 1 of a capture kernel");
    return 2;
  }
  // A closed console must not end PID 1.
  ::signal(SIGPIPE, SIG_IGN);
  lifeboat::fail_writes_at_size_limit();
  lifeboat::capture::Pid1 pid1;
  lifeboat::capture::final_action(pid1.run(), pid1.shell());
}
