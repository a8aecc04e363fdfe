// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/init/supervise.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

namespace lifeboat::init {
namespace {

using Clock = std::chrono::steady_clock;

// Waits at most `limit` for the child to end; reaps everybody's orphans on the way, as PID 1 must.
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

// Until the child closes its end of the pipe (it ended) or is silent for too long.
bool listen(int pipe_fd, std::chrono::seconds stall) {
  auto deadline = Clock::now() + stall;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd watched{.fd = pipe_fd, .events = POLLIN, .revents = 0};
    if (::poll(&watched, 1, static_cast<int>(left)) <= 0) continue;
    char bytes[256];
    const ssize_t count = ::read(pipe_fd, bytes, sizeof bytes);
    if (count == 0) return true;
    if (count > 0) deadline = Clock::now() + stall;
  }
}

[[noreturn]] void run_child(int pipe_fd, const std::function<Result<>(Heartbeat&)>& work) {
  Heartbeat heartbeat(pipe_fd);
  const auto result = work(heartbeat);
  if (!result) log::error("{}", result.error().to_string());
  ::_exit(result ? 0 : 1);
}

}  // namespace

void Heartbeat::beat() {
  const auto now = Clock::now();
  if (now - last_beat_ < std::chrono::milliseconds(200)) return;
  last_beat_ = now;
  // The pipe does not block: when it is full PID 1 knows already.
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
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    log::error("{}: cannot make a pipe", name);
    return Outcome::failed;
  }
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) {
    log::error("{}: cannot start a process", name);
    return Outcome::failed;
  }
  if (child == 0) run_child(writer.get(), work);
  writer.reset();

  const bool ended = listen(reader.get(), stall);
  int status = 0;
  if (!ended) {
    log::error("{}: no progress for {} s, giving it up", name, stall.count());
    ::kill(child, SIGKILL);
    // A task that hangs inside the kernel stays; the final action does not need it gone.
    reap(child, std::chrono::seconds(5), status);
    return Outcome::stalled;
  }
  if (!reap(child, std::chrono::seconds(5), status)) return Outcome::stalled;
  if (WIFSIGNALED(status)) log::error("{}: killed by signal {}", name, WTERMSIG(status));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? Outcome::done : Outcome::failed;
}

}  // namespace lifeboat::init
