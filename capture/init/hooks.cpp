// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/init/hooks.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "base/sys.h"

namespace lifeboat::init {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void become(const std::string& hook, const HookCall& call) {
  ::setpgid(0, 0);
  ::signal(SIGPIPE, SIG_DFL);
  // Its words go where ours go: to the console, in a capture kernel.
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
    const pid_t child = sys::fork();
    if (child < 0) {
      log::error("hook {}: cannot start a process", hook);
      continue;
    }
    if (child == 0) become(hook, call);
    const int status = wait_for(child, Clock::now() + deadline, on_wait);
    if (status == -1) {
      log::warning("hook {}: not done within {} s, killed", hook, deadline.count());
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

}  // namespace lifeboat::init
