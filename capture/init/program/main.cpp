// SPDX-License-Identifier: GPL-2.0-or-later
// lifeboat-init: PID 1 of the capture kernel, and of the guest of a rehearsal.
//
// Whatever happens on the way, it ends in the final action. It starts no shell and waits for nobody.
#include <signal.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "capture/init/console.h"
#include "capture/init/machine.h"
#include "capture/init/rehearsal_guest.h"
#include "capture/init/save.h"
#include "capture/init/supervise.h"
#include "capture/init/target.h"
#include "capture/manifest.h"

namespace lifeboat::init {
namespace {

// Unmounting and syncing a slow disk may take this long in silence.
constexpr std::chrono::seconds kEndDeadline{60};

Result<Manifest> read_manifest() {
  return Manifest::parse(TRY(read_text(kManifestPath)));
}

void capture(const Manifest& manifest) {
  const auto outcome = supervise("capture", manifest.stall_deadline,
                                 [&](Heartbeat& heartbeat) { return save_crash(manifest, heartbeat); });
  if (outcome == Outcome::done) return;
  announce(phase::kCaptureFailed);
  // No rung of the ladder is left but the console; somebody may be logging it.
  supervise("log", manifest.stall_deadline, print_log_tail);
}

void end() {
  supervise("end", kEndDeadline, [](Heartbeat&) -> Result<> {
    if (const auto saved = save_capture_log(); !saved) log::warning("{}", saved.error().to_string());
    return unmount_target();
  });
}

FinalAction run() {
  const auto mount_failures = mount_pseudo_file_systems();
  setup_console();
  for (const auto& failure : mount_failures) log::error("{}", failure);

  const bool crashed = ::access("/proc/vmcore", F_OK) == 0;
  const auto manifest = read_manifest();
  if (!manifest) {
    log::error("{}", manifest.error().to_string());
    announce(crashed ? phase::kCaptureFailed : phase::kGuestFailed);
    return FinalAction::reboot;
  }
  const bool guest = !crashed && manifest->rehearsal.has_value();
  announce(guest ? phase::kGuestStart : phase::kCaptureStart);
  // In a child: a driver may hang on a device in the state that the crash left it in. What is loaded by then
  // stays.
  supervise("modules", manifest->stall_deadline,
            [&](Heartbeat& heartbeat) { return load_modules(manifest->modules, heartbeat); });
  if (crashed) {
    capture(*manifest);
  } else if (guest) {
    supervise("rehearsal", manifest->stall_deadline,
              [&](Heartbeat& heartbeat) { return rehearse_crash(*manifest, heartbeat); });
    announce(phase::kGuestFailed);
  } else {
    log::error("there is no /proc/vmcore: this kernel was not started by a crash");
    announce(phase::kCaptureFailed);
  }
  end();
  announce(phase::kCaptureEnd);
  return manifest->final_action;
}

}  // namespace
}  // namespace lifeboat::init

int main() {
  if (::getpid() != 1) {
    lifeboat::log::error("lifeboat-init is the first program of a capture kernel and does nothing elsewhere");
    return 2;
  }
  // A closed console must not end PID 1.
  ::signal(SIGPIPE, SIG_IGN);
  lifeboat::init::final_action(lifeboat::init::run());
}
