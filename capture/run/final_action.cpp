// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/final_action.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/process.h"
#include "src/base/sys.h"

namespace lifeboat::capture {
namespace {

// reboot(2) shuts every device down first, and a device in the state after the crash may hang there for ever.
// So a child makes the call; this function returns when it failed, or after a timeout.
void try_reboot(int command) {
  constexpr int kMaxWait = 60;  // seconds
  const pid_t child = sys::fork();
  if (child <= 0) {
    const int error = sys::reboot(command) == 0 ? 0 : errno;
    if (child == 0) ::_exit(error);
    return;
  }
  for (int tenth = 0; tenth < kMaxWait * 10; ++tenth) {
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) == child) {
      log::error("reboot({:#x}) failed: {}", command,
                 strerror(WIFEXITED(status) ? WEXITSTATUS(status) : EINTR));
      return;
    }
    ::usleep(100'000);
  }
  log::error("reboot({:#x}) did not end within {} s", command, kMaxWait);
}

// On the console, in a session of its own, so that Ctrl-C is the shell's.
void run_shell(const std::string& shell) {
  if (shell.empty()) {
    log::error("there is no shell in this initramfs");
    return;
  }
  log::info("a shell on the console; the machine restarts when it ends");
  const pid_t child = sys::fork();
  if (child == 0) {
    ::setsid();
    const int console = sys::open(AT_FDCWD, "/dev/console", O_RDWR);
    if (console < 0) ::_exit(1);
    // Without it Ctrl-C does nothing.
    // 1: also when another session has the console.
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    [[maybe_unused]] const int ignored = sys::ioctl(console, TIOCSCTTY, reinterpret_cast<void*>(1));
    for (const int fd : {0, 1, 2}) ::dup2(console, fd);
    ::setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
    // busybox chooses its applet by its first argument; a shell ignores it.
    ::execl(shell.c_str(), "sh", "-i", nullptr);
    ::_exit(127);
  }
  while (child > 0 && ::waitpid(-1, nullptr, 0) != child && errno != ECHILD) {
  }
}

}  // namespace

void final_action(FinalAction action, const std::string& shell) {
  if (action == FinalAction::shell) run_shell(shell);
  const int command = action == FinalAction::poweroff ? RB_POWER_OFF
                      : action == FinalAction::halt   ? RB_HALT_SYSTEM
                                                      : RB_AUTOBOOT;
  try_reboot(command);
  // The action failed. Restart the machine by other means, which do not wait for devices.
  log::error("reboot(2) did not work; restarting by sysrq");
  ignore_result(write_pseudo_file("/proc/sysrq-trigger", "b"));  // the next step is for when it fails
  ::sleep(5);
  // When PID 1 ends the kernel panics, and panic= on its command line restarts the machine.
  ::_exit(1);
}

void final_action_of_system(FinalAction action, const std::string& shell) {
  constexpr std::chrono::seconds kAnswer{30};
  constexpr unsigned kMaxWait = 120;  // seconds
  if (action == FinalAction::shell) run_shell(shell);
  const FinalAction end = action == FinalAction::shell ? FinalAction::reboot : action;
  // --force: services need not be stopped in order.
  const auto asked = run_process({"systemctl", "--force", std::string(final_action_name(end))}, kAnswer);
  if (asked && asked->status == 0) {
    // The service manager ends this program during the shutdown.
    ::sleep(kMaxWait);
    log::error("the service manager did not {} within {} s", final_action_name(end), kMaxWait);
  } else {
    log::error("systemctl failed: {}", asked ? asked->text : asked.error().to_string());
  }
  final_action(end, "");
}

}  // namespace lifeboat::capture
