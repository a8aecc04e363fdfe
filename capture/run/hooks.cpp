// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/hooks.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "src/base/log.h"
#include "src/base/sys.h"

namespace lifeboat::capture {
namespace {

using Clock = std::chrono::steady_clock;

// The leader of a hook's process group. It waits for the hook, and when `parent` ends first (was killed, say)
// it kills the whole group: there is then no other way to end what the hook has started.
void lead_group(pid_t parent) {
  ::setpgid(0, 0);
  // A signal that no other program sends: hooks may send SIGTERM to their group.
  const int end = SIGRTMAX;
  ::signal(end, [](int) { ::kill(0, SIGKILL); });
  if (::prctl(PR_SET_PDEATHSIG, end) != 0 || ::getppid() != parent) ::_exit(126);
  // The hook handles these.
  constexpr int kOthers[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
  std::array<sighandler_t, std::size(kOthers)> before{};
  for (size_t index = 0; index < before.size(); ++index) before[index] = ::signal(kOthers[index], SIG_IGN);
  const pid_t hook = sys::fork();
  if (hook == 0) {
    for (size_t index = 0; index < before.size(); ++index) ::signal(kOthers[index], before[index]);
    return;
  }
  int status = 0;
  while (hook > 0 && ::waitpid(hook, &status, 0) != hook && errno == EINTR) {
  }
  if (hook < 0) ::_exit(126);
  if (WIFSIGNALED(status)) {
    ::signal(WTERMSIG(status), SIG_DFL);
    ::raise(WTERMSIG(status));
  }
  ::_exit(WEXITSTATUS(status));
}

[[noreturn]] void become(const std::string& hook, const HookCall& call) {
  ::signal(SIGPIPE, SIG_DFL);
  // Its output goes where ours goes: to the console, in a capture kernel.
  const int nothing = sys::open(AT_FDCWD, "/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, 0);
  const std::string point = "LIFEBOAT_POINT=" + call.point, folder = "LIFEBOAT_FOLDER=" + call.folder,
                    outcome = "LIFEBOAT_OUTCOME=" + call.outcome;
  const char* const arguments[] = {hook.c_str(), call.point.c_str(), nullptr};
  const char* const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                     "HOME=/",
                                     point.c_str(),
                                     folder.c_str(),
                                     outcome.c_str(),
                                     nullptr};
  ::execve(hook.c_str(), const_cast<char* const*>(arguments), const_cast<char* const*>(environment));
  log::warning("hook {}: {}", hook, strerror(errno));
  ::_exit(127);
}

// Its status once it has ended; -1: it did not in time.
int wait_for(pid_t child, Clock::time_point end, const std::function<void()>& on_wait) {
  for (;;) {
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) == child) return status;
    if (Clock::now() >= end) return -1;
    if (on_wait) on_wait();
    ::usleep(20'000);
  }
}

}  // namespace

void run_hooks(const std::vector<std::string>& hooks, const HookCall& call, std::chrono::seconds deadline,
               const std::function<void()>& on_wait) {
  for (const auto& hook : hooks) {
    const pid_t self = ::getpid();
    const pid_t child = sys::fork();
    if (child < 0) {
      log::error("hook {}: not run, cannot start a process: {}", hook, std::strerror(errno));
      continue;
    }
    if (child == 0) {
      lead_group(self);
      become(hook, call);
    }
    const int status = wait_for(child, Clock::now() + deadline, on_wait);
    if (status == -1) {
      log::warning("hook {}: did not end within {} s and was killed", hook, deadline.count());
      ::kill(-child, SIGKILL);
      ::kill(child, SIGKILL);
      wait_for(child, Clock::now() + std::chrono::seconds(2), on_wait);
    } else if (WIFSIGNALED(status)) {
      log::warning("hook {}: killed by signal {}", hook, WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0) {
      log::warning("hook {}: exit code {}", hook, WEXITSTATUS(status));
    } else {
      log::info("hook {}: done", hook);
    }
  }
}

}  // namespace lifeboat::capture
