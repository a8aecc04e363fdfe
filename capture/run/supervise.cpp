// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/run/supervise.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "capture/run/memory_watch.h"
#include "src/base/file.h"
#include "src/base/log.h"
#include "src/base/sys.h"

namespace lifeboat::capture {
namespace {

using Clock = std::chrono::steady_clock;

// Waits at most `limit` for the child to end; also reaps all orphans, as PID 1 must.
bool reap(pid_t child, std::chrono::milliseconds limit, int& status) {
  const auto deadline = Clock::now() + limit;
  for (;;) {
    int some_status = 0;
    const pid_t pid = ::waitpid(-1, &some_status, WNOHANG);
    if (pid == child) {
      status = some_status;
      return true;
    }
    if (pid < 0 && errno == ECHILD) return false;
    if (pid > 0) continue;
    if (Clock::now() >= deadline) return false;
    ::usleep(10'000);
  }
}

// Until the child closes its end of the pipe (it ended), makes no progress for too long, or runs too long: an
// empty string, or why it is stopped.
std::string listen(int pipe_fd, const ChildLimits& limits) {
  const auto begin = Clock::now();
  auto last = begin;
  for (;;) {
    const auto now = Clock::now();
    if (now - last >= limits.stall) return fmt::format("no progress for {} s", limits.stall.count());
    if (limits.total && now - begin >= *limits.total)
      return fmt::format("not done within {} s", limits.total->count());
    if (limits.parent != nullptr) limits.parent->beat();
    if (limits.on_wait) limits.on_wait();
    const auto end =
        limits.total ? std::min(last + limits.stall, begin + *limits.total) : last + limits.stall;
    // A supervised parent, and a watchdog, need a heartbeat in time.
    constexpr std::chrono::milliseconds kBeat{250};
    auto wait = std::chrono::ceil<std::chrono::milliseconds>(end - now);
    if (limits.parent != nullptr || limits.on_wait) wait = std::min(wait, kBeat);
    pollfd watched{.fd = pipe_fd, .events = POLLIN, .revents = 0};
    if (::poll(&watched, 1, static_cast<int>(wait.count())) <= 0) continue;
    char bytes[256];
    const ssize_t count = ::read(pipe_fd, bytes, sizeof bytes);
    if (count == 0) return {};
    if (count > 0) last = Clock::now();
  }
}

// `parent`: the process that forked this one. It may be gone before the signal is requested.
void end_with(pid_t parent) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
    log::warning("cannot set PR_SET_PDEATHSIG: {}", std::strerror(errno));
  if (::getppid() != parent) ::_exit(1);
}

// A child and its children: killed at once.
void kill_group(pid_t child) {
  ::kill(-child, SIGKILL);
  ::kill(child, SIGKILL);
}

void accept(const ChildLimits& limits) {
  // The child of a child stays in the group of that one.
  if (limits.parent == nullptr) ::setpgid(0, 0);
  // Without it the kernel chooses the process to kill when memory runs out.
  if (limits.expendable) ignore_result(write_pseudo_file("/proc/self/oom_score_adj", "1000"));
  if (limits.address_space != 0) {
    const rlimit limit{.rlim_cur = limits.address_space, .rlim_max = limits.address_space};
    if (::setrlimit(RLIMIT_AS, &limit) != 0)
      log::warning("cannot limit the memory of a child process: {}", std::strerror(errno));
  }
}

[[noreturn]] void run_child(const std::string& name, pid_t parent, int pipe_fd, const ChildLimits& limits,
                            const std::function<Result<>(Heartbeat&)>& work) {
  end_with(parent);
  accept(limits);
  Heartbeat heartbeat(pipe_fd);
  Result<> result;
  try {
    result = work(heartbeat);
  } catch (const std::bad_alloc&) {
    result = fail(ErrorCode::no_space, "{}: out of memory", name);
  }
  if (!result) log::error("{}", result.error().to_string());
  ::_exit(result ? 0 : 1);
}

}  // namespace

void Heartbeat::beat() {
  const auto now = Clock::now();
  if (now - last_beat_ < std::chrono::milliseconds(200)) return;
  last_beat_ = now;
  watch_memory();
  // The pipe does not block: when it is full PID 1 has enough heartbeats to read.
  [[maybe_unused]] const ssize_t ignored = ::write(pipe_fd_, ".", 1);
}

void Heartbeat::phase(const std::string& name) {
  name_ = name;
  last_line_ = Clock::now();
  beat();
}

void Heartbeat::update(uint64_t done, uint64_t total) {
  beat();
  const auto now = Clock::now();
  if (now - last_line_ < std::chrono::seconds(5) || total == 0) return;
  last_line_ = now;
  log::info("{}: {} %", name_, done * 100 / total);
}

Outcome supervise(const std::string& name, std::chrono::seconds stall,
                  const std::function<Result<>(Heartbeat&)>& work) {
  return supervise(name, ChildLimits{.stall = stall, .total = {}}, work);
}

Outcome supervise(const std::string& name, const ChildLimits& limits,
                  const std::function<Result<>(Heartbeat&)>& work) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    log::error("{}: cannot create a pipe: {}", name, std::strerror(errno));
    return Outcome::failed;
  }
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t self = ::getpid();
  const pid_t child = sys::fork();
  if (child < 0) {
    log::error("{}: cannot start a process: {}", name, std::strerror(errno));
    return Outcome::failed;
  }
  if (child == 0) run_child(name, self, writer.get(), limits, work);
  writer.reset();

  const std::string problem = listen(reader.get(), limits);
  int status = 0;
  if (!problem.empty()) {
    log::error("{}: {}, stopping it", name, problem);
    kill_group(child);
    // A task that hangs inside the kernel stays; the final action does not need it gone.
    reap(child, std::chrono::seconds(5), status);
    return Outcome::stalled;
  }
  if (!reap(child, std::chrono::seconds(5), status)) return Outcome::stalled;
  if (WIFSIGNALED(status)) log::error("{}: killed by signal {}", name, WTERMSIG(status));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? Outcome::done : Outcome::failed;
}

}  // namespace lifeboat::capture
