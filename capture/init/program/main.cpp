// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat-init: PID 1 of the capture kernel.
//
// Whatever happens on the way, it ends in the final action. It starts no shell and waits for nobody.
#include <signal.h>
#include <unistd.h>

#include "capture/init/save_to_target.h"
#include "capture/init/startup.h"
#include "capture/plan/capture_plan.h"
#include "capture/run/capture_console.h"
#include "capture/run/final_action.h"
#include "capture/run/journal.h"
#include "capture/run/ladder.h"
#include "capture/run/memory_watch.h"
#include "capture/run/save.h"
#include "capture/run/supervise.h"
#include "capture/run/watchdog.h"
#include "capture/storage/target.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/process.h"

namespace lifeboat::init {
namespace {

Result<Manifest> read_manifest() {
  return Manifest::parse(TRY(read_text(kManifestPath)));
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
    auto manifest = read_manifest();
    if (!manifest) {
      log::error("{}", manifest.error().to_string());
      announce(phase::kCaptureFailed);
      return FinalAction::reboot;
    }
    manifest_ = *std::move(manifest);
    announce(phase::kCaptureStart);
    // In a child: a driver may hang on a device in the state that the crash left it in. What is loaded by
    // then stays.
    ChildLimits loading = limits();
    // The dead kernel's watchdog runs on meanwhile; it is fed as soon as its driver is there.
    if (crashed && manifest_.watchdog) loading.on_wait = [this] { watchdogs_.start(manifest_.watchdogs); };
    supervise("modules", loading,
              [&](Heartbeat& heartbeat) { return load_modules(manifest_.modules, heartbeat); });
    bool done = false;
    if (crashed) {
      done = capture();
    } else {
      log::error("there is no /proc/vmcore: this kernel was not started by a crash");
      announce(phase::kCaptureFailed);
    }
    announce(phase::kCaptureEnd);
    const FinalAction action = done ? manifest_.final_action : manifest_.failure_action;
    // These may last; a reboot that hangs is what a watchdog is for.
    if (action == FinalAction::halt || action == FinalAction::shell) watchdogs_.stop();
    return action;
  }
  [[nodiscard]] const std::string& shell() const { return manifest_.shell; }

 private:
  [[nodiscard]] ChildLimits limits() const {
    return {.stall = manifest_.stall_deadline, .total = {}, .on_wait = [this] { watchdogs_.feed(); }};
  }

  bool capture() {
    if (manifest_.watchdog) watchdogs_.start(manifest_.watchdogs);
    std::vector<Place> places;
    for (const auto& target : manifest_.targets) {
      const auto save = [this, &target](Journal& journal, Heartbeat& heartbeat) {
        return save_to_target(manifest_, target, journal, heartbeat);
      };
      places.push_back({.save = save, .leave = unmount_target});
    }
    Journal journal;
    const LadderEnd end =
        climb(manifest_, places, journal,
              {.log_file = kRunLog,
               .on_wait = [this] { watchdogs_.feed(); },
               .last_rung = [](Heartbeat& heartbeat) { return print_log_tail(kVmcore, heartbeat); }});
    return ends_capture(end.outcome);
  }

  Manifest manifest_;
  Watchdogs watchdogs_;
};

}  // namespace
}  // namespace lifeboat::init

int main() {
  if (::getpid() != 1) {
    lifeboat::log::error("lifeboat-init is the first program of a capture kernel and does nothing elsewhere");
    return 2;
  }
  // A closed console must not end PID 1.
  ::signal(SIGPIPE, SIG_IGN);
  lifeboat::fail_writes_at_size_limit();
  lifeboat::init::Pid1 pid1;
  lifeboat::init::final_action(pid1.run(), pid1.shell());
}
